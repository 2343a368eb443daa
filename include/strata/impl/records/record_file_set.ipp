#pragma once

#include <strata/paths.hpp>
#include <strata/records/record_file_set.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>

namespace strata {

STRATA_INLINE RecordFileSet::RecordFileSet(RecordPlaces const& places, std::string_view stem,
                                           std::string_view extension, std::size_t count)
    : count_(count) {
  auto const file = std::string(stem) + '.' + std::string(extension);
  files_[0].path = places.main / file;
  if (count_ == 1) return;
  if (!places.image_store.empty()) at(RecordPlace::image_store).path = places.image_store / file;
  at(RecordPlace::volatile_file).path = (places.volatiles.empty() ? places.main : places.volatiles) /
                                        (std::string(paths::volatile_prefix) + file);
}

STRATA_INLINE bool RecordFileSet::all_readable() const noexcept {
  return std::ranges::all_of(files_, [](File const& file) { return file.unreadable.empty(); });
}

STRATA_INLINE std::vector<std::pair<RecordPlace, fs::path>> RecordFileSet::files() const {
  std::vector<std::pair<RecordPlace, fs::path>> out;
  for (std::size_t i = 0; i < count_; ++i)
    if (!files_[i].path.empty()) out.emplace_back(static_cast<RecordPlace>(i), files_[i].path);
  return out;
}

STRATA_INLINE auto RecordFileSet::look(std::string const& token) const -> Seen {
  Seen seen;
  bool same = loaded_ && token == token_;
  for (std::size_t i = 0; i < count_; ++i) {
    if (!files_[i].path.empty()) seen.states[i] = sys::FileState::of(files_[i].path);
    same = same && seen.states[i] == files_[i].state;
  }
  seen.changed = !same;
  return seen;
}

STRATA_INLINE void RecordFileSet::loaded(Seen const& seen, std::string const& token) {
  for (std::size_t i = 0; i < count_; ++i) files_[i].state = seen.states[i];
  saved(token);
}

STRATA_INLINE void RecordFileSet::saved(std::string const& token) {
  token_ = token;
  loaded_ = true;
}

STRATA_INLINE void RecordFileSet::check_loaded() const {
  if (!loaded_)
    throw Error(Errc::corrupt_record, path().native() + ": not saved, since it could not be read")
        .at(path().native());
}

STRATA_INLINE bool RecordFileSet::is_newer(std::size_t one, std::size_t other) const {
  return sys::FileState::of(files_[one].path).newer_than(sys::FileState::of(files_[other].path));
}

STRATA_INLINE void RecordFileSet::flush() const {
  for (auto const& file : files_) {
    if (file.path.empty()) continue;
    if (auto const fd = sys::open_stored(file.path)) sys::sync_file(fd->get(), file.path);
    if (auto const directory = file.path.parent_path(); sys::is_directory(directory))
      sys::sync_directory(directory);
  }
}

STRATA_INLINE void RecordFileSet::write(File& file, std::string const& bytes, Flush flush) {
  sys::replace_file(file.path, bytes, {.flush = flush, .temporary_name = sys::TemporaryName::fixed});
  file.state = sys::FileState::of(file.path);
}

STRATA_INLINE void TouchedFiles::touch(std::size_t file) {
  if (std::find(begin(), end(), file) == end()) files_[count_++] = file;
}

STRATA_INLINE void TouchedFiles::touch_all(std::size_t count) {
  for (std::size_t file = count; file-- > 0;) touch(file);
}

}  // namespace strata
