#pragma once

#include <strata/problem.hpp>

namespace strata {

STRATA_INLINE std::string_view to_text(Severity severity) noexcept {
  constexpr std::string_view words[] = {"note", "warning", "error"};
  return words[static_cast<int>(severity)];
}

STRATA_INLINE std::string_view to_text(ProblemKind kind) noexcept {
  constexpr std::array words{
      std::string_view("record-file-damaged"),
      std::string_view("record-unreadable"),
      std::string_view("duplicate-id"),
      std::string_view("duplicate-name"),
      std::string_view("digest-invalid"),
      std::string_view("parent-missing"),
      std::string_view("parent-circle"),
      std::string_view("layer-incomplete"),
      std::string_view("layer-unreferenced"),
      std::string_view("layer-unaccounted"),
      std::string_view("tree-missing"),
      std::string_view("archive-missing"),
      std::string_view("archive-damaged"),
      std::string_view("content-checksum"),
      std::string_view("content-digest"),
      std::string_view("content-size"),
      std::string_view("content-modified"),
      std::string_view("content-foreign"),
      std::string_view("content-unpackable"),
      std::string_view("data-missing"),
      std::string_view("data-size"),
      std::string_view("data-digest"),
      std::string_view("data-unrecorded"),
      std::string_view("image-layer-missing"),
      std::string_view("mapped-layer-missing"),
      std::string_view("image-missing"),
      std::string_view("container-layer-missing"),
      std::string_view("driver-files"),
      std::string_view("unreadable"),
      std::string_view("orphan"),
      std::string_view("leftover"),
      std::string_view("mount-stale"),
      std::string_view("mount-uncounted"),
  };
  static_assert(words.size() == static_cast<std::size_t>(ProblemKind::mount_uncounted) + 1);
  return words[static_cast<std::size_t>(kind)];
}

STRATA_INLINE std::string_view to_text(RepairAction action) noexcept {
  constexpr std::string_view words[] = {"none", "repair", "discard"};
  return words[static_cast<int>(action)];
}

STRATA_INLINE std::string_view problem_code(Problem const& problem) noexcept {
  return problem.code.empty() ? to_text(problem.kind) : std::string_view(problem.code);
}

}  // namespace strata
