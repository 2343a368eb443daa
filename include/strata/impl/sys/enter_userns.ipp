#pragma once

#include <strata/sys/enter_userns.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/process.hpp>
#include <strata/sys/userns.hpp>

#include <charconv>

namespace strata::sys::detail {

STRATA_INLINE IdMap identity_map(std::string const& file) {
  IdMap map;
  auto const text = read_file(file);
  std::int64_t numbers[3];
  int count = 0;
  for (auto const *at = text.data(), *const end = at + text.size(); at != end;) {
    if (*at < '0' || *at > '9') {
      ++at;
      continue;
    }
    at = std::from_chars(at, end, numbers[count]).ptr;
    if (++count < 3) continue;
    map.push_back({numbers[0], numbers[0], numbers[2]});
    count = 0;
  }
  return map;
}

STRATA_INLINE std::string map_text(IdMap const& map) {
  if (map.empty()) return "0 0 " + std::to_string(idmap::id_limit) + '\n';
  std::string text;
  for (auto const& range : map)
    text += std::to_string(range.container_id) + ' ' + std::to_string(range.host_id) + ' ' +
            std::to_string(range.size) + '\n';
  return text;
}

STRATA_INLINE int write_map(std::string const& path, std::string_view text) noexcept {
  auto const file = try_open_at(AT_FDCWD, path.c_str(), O_WRONLY);
  if (!file) return errno;
  return ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : errno;
}

STRATA_INLINE std::string set_map(pid_t process, char const* which, char const* program, IdMap const& map,
                                  bool direct) {
  auto const path = "/proc/" + std::to_string(process) + '/' + which;
  if (direct) {
    if (int const code = write_map(path, map_text(map)); code != 0)
      return "write " + path + ": " + std::error_code(code, std::system_category()).message();
    return {};
  }
  std::vector<std::string> words{program, std::to_string(process)};
  for (auto const& range : map)
    for (auto const number : {range.container_id, range.host_id, range.size})
      words.push_back(std::to_string(number));
  try {
    auto const ended = run(words, {.output = STDERR_FILENO});
    return ended.succeeded() ? std::string() : std::string("running ") + program + ": " + ended.text();
  } catch (Error const& error) {
    return std::string("running ") + program + ": " + error.code().message();
  }
}

}  // namespace strata::sys::detail

namespace strata::sys {

STRATA_INLINE IdMaps identity_maps() {
  return {detail::identity_map("/proc/self/uid_map"), detail::identity_map("/proc/self/gid_map")};
}

STRATA_INLINE std::vector<std::string> enter_user_namespace(IdMaps const& maps) {
  auto const self = ::getpid();
  auto const uid = ::geteuid();
  auto const gid = ::getegid();
  bool const direct = uid == 0 && has_admin_rights();
  std::array<int, 2> begin{}, words{};
  if (::pipe2(begin.data(), O_CLOEXEC) != 0) throw_errno("pipe", "");
  Fd begin_read(begin[0]), begin_write(begin[1]);
  if (::pipe2(words.data(), O_CLOEXEC) != 0) throw_errno("pipe", "");
  Fd words_read(words[0]), words_write(words[1]);
  // Only a process outside can map ids other than the caller's own, so a helper is forked first.
  auto const helper = ::fork();
  if (helper < 0) throw_errno("fork", "");
  if (helper == 0) {
    begin_write.reset();
    char go = 0;
    if (retry([&] { return ::read(begin_read.get(), &go, 1); }) != 1) ::_exit(1);
    ::dup2(words_write.get(), STDERR_FILENO);  // the messages of newuidmap become part of the warning
    auto wrong = detail::set_map(self, "gid_map", "newgidmap", maps.gids, direct);
    if (wrong.empty()) wrong = detail::set_map(self, "uid_map", "newuidmap", maps.uids, direct);
    if (!wrong.empty() && ::write(STDERR_FILENO, wrong.data(), wrong.size()) < 0) ::_exit(2);
    ::_exit(wrong.empty() ? 0 : 1);
  }
  begin_read.reset();
  words_write.reset();
  bool const inside = ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
  int const code = errno;
  if (inside && ::write(begin_write.get(), "", 1) != 1) {  // a helper that has ended shows in its status
  }
  begin_write.reset();
  auto said = read_rest(words_read.get(), "pipe");
  int status = 0;
  retry([&] { return ::waitpid(helper, &status, 0); });
  if (!inside) {
    errno = code;
    throw_errno("unshare", "user namespace");
  }
  if (status == 0) return {};
  for (auto& c : said)
    if (c == '\n') c = ' ';
  // A map can be set only once; the one that failed can still be set.
  auto const set_alone = [](char const* path, std::uint32_t own) {
    int const failed = detail::write_map(path, "0 " + std::to_string(own) + " 1\n");
    errno = failed;
    if (failed != 0 && read_file(path).empty()) throw_errno("write", path);
  };
  detail::write_map("/proc/self/setgroups", "deny");
  set_alone("/proc/self/gid_map", gid);
  set_alone("/proc/self/uid_map", uid);
  return {said, "Falling back to single mapping"};
}

}  // namespace strata::sys
