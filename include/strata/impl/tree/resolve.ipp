#pragma once

#include <strata/tree/resolve.hpp>

namespace strata::archive {

STRATA_INLINE std::string join(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty() && !name.empty()) path += '/';
  return path.append(name);
}

}  // namespace strata::archive

namespace strata::archive::detail {

STRATA_INLINE NamesAhead::NamesAhead(std::string_view path) {
  push(path);
  own_ = names_.size();
}

STRATA_INLINE std::string NamesAhead::pop() {
  auto name = std::move(names_.back());
  names_.pop_back();
  of_link_ = names_.size() >= own_;
  if (!of_link_) own_ = names_.size();
  return name;
}

STRATA_INLINE void NamesAhead::push(std::string_view more) {
  auto const size = static_cast<std::ptrdiff_t>(names_.size());
  while (!more.empty()) {
    auto const slash = more.find('/');
    if (slash != 0) names_.insert(names_.begin() + size, std::string(more.substr(0, slash)));
    more.remove_prefix(slash == std::string_view::npos ? more.size() : slash + 1);
  }
}

STRATA_INLINE std::string NamesAhead::rest(std::string name) {
  while (!empty()) name += '/' + pop();
  return name;
}

}  // namespace strata::archive::detail
