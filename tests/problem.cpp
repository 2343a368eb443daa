#include <strata/problem.hpp>

#include <catch2/catch.hpp>

#include <set>
#include <string>

using namespace strata;

TEST_CASE("each kind of problem has a word of its own", "[problem]") {
  std::set<std::string> words;
  int kinds = 0;
  for (int kind = 0; kind <= static_cast<int>(ProblemKind::mount_uncounted); ++kind, ++kinds) {
    std::string const word(to_text(static_cast<ProblemKind>(kind)));
    INFO(word);
    CHECK_FALSE(word.empty());
    CHECK(word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string::npos);
    words.insert(word);
  }
  CHECK(words.size() == static_cast<std::size_t>(kinds));
  // The first and one of each part of the list: a word that is left out would move all that follow.
  CHECK(to_text(ProblemKind::record_file_damaged) == "record-file-damaged");
  CHECK(to_text(ProblemKind::tree_missing) == "tree-missing");
  CHECK(to_text(ProblemKind::data_missing) == "data-missing");
  CHECK(to_text(ProblemKind::driver_files) == "driver-files");
  CHECK(to_text(ProblemKind::mount_uncounted) == "mount-uncounted");
}

TEST_CASE("severities and actions are told in words", "[problem]") {
  CHECK(to_text(Severity::note) == "note");
  CHECK(to_text(Severity::warning) == "warning");
  CHECK(to_text(Severity::error) == "error");
  CHECK(to_text(RepairAction::none) == "none");
  CHECK(to_text(RepairAction::repair) == "repair");
  CHECK(to_text(RepairAction::discard) == "discard");
}

TEST_CASE("a driver's own word for a problem goes before that of the kind", "[problem]") {
  CHECK(problem_code({.kind = ProblemKind::driver_files}) == "driver-files");
  CHECK(problem_code({.kind = ProblemKind::driver_files, .code = "lower-missing"}) == "lower-missing");
}
