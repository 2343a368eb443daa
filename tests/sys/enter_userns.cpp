#include <strata/sys/enter_userns.hpp>
#include <strata/sys/mount.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <exception>
#include <fcntl.h>
#include <grp.h>
#include <string>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace strata;

namespace {

/// What `work` returns, done by a child process of user `uid`: a namespace is entered for good.
template <class Work>
std::string in_child(unsigned uid, Work&& work) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  auto const child = ::fork();
  if (child == 0) {
    std::string text;
    try {
      if (uid != 0 && (::setgroups(0, nullptr) != 0 || ::setgid(uid) != 0 || ::setuid(uid) != 0)) ::_exit(1);
      ::prctl(PR_SET_DUMPABLE, 1);  // as a process that an ordinary user starts
      text = work();
    } catch (std::exception const& error) {
      text = error.what();
    }
    ::_exit(::write(ends[1], text.data(), text.size()) < 0 ? 1 : 0);
  }
  ::close(ends[1]);
  sys::Fd const from(ends[0]);
  auto text = sys::read_rest(from.get(), "pipe");
  ::waitpid(child, nullptr, 0);
  return text;
}

std::string map_of(char const* file) {
  std::string out;
  for (char const c : sys::read_file(file))
    if (c != ' ' && c != '\n')
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string joined(std::vector<std::string> const& texts) {
  std::string out;
  for (auto const& text : texts) out += text + '|';
  return out;
}

}  // namespace

TEST_CASE("userns: root enters a namespace of any ids", "[sys][userns]") {
  if (::geteuid() != 0 || !sys::has_all_ids()) return;
  CHECK(sys::has_admin_rights());
  CHECK(in_child(0, [] {
          auto const warnings =
              sys::enter_user_namespace({{{0, 0, 1}, {1, 5000, 10}}, {{0, 0, 1}, {1, 6000, 20}}});
          return joined(warnings) + map_of("/proc/self/uid_map") + '/' + map_of("/proc/self/gid_map") +
                 (sys::has_admin_rights() ? "" : " without rights") + (sys::has_all_ids() ? " all ids" : "");
        }) == "0 0 1 1 5000 10/0 0 1 1 6000 20");
  CHECK(in_child(0, [] {
          auto const warnings = sys::enter_user_namespace(sys::identity_maps());
          return joined(warnings) + map_of("/proc/self/uid_map");
        }) == "0 0 4294967295");
  CHECK(sys::has_all_ids());
}

TEST_CASE("userns: an ordinary user without subordinate ids is root alone", "[sys][userns]") {
  if (::geteuid() != 0) return;
  auto const text = in_child(54321, [] {
    auto const warnings =
        sys::enter_user_namespace({{{0, 54321, 1}, {1, 100000, 10}}, {{0, 54321, 1}, {1, 100000, 10}}});
    return joined(warnings) + map_of("/proc/self/uid_map") + '/' + map_of("/proc/self/gid_map") +
           (sys::has_admin_rights() ? "" : " without rights");
  });
  INFO(text);
  CHECK(text.find("newgidmap") != text.npos);
  CHECK(text.ends_with("|Falling back to single mapping|0 54321 1/0 54321 1"));
}

TEST_CASE("userns: what is mounted in it, nobody else sees", "[sys][userns]") {
  if (::geteuid() != 0) return;
  testing::TempDir const dir;
  REQUIRE(::mkdir((dir / "m").c_str(), 0755) == 0);
  CHECK(in_child(0, [&] {
          sys::enter_user_namespace(sys::identity_maps());
          if (::mount("none", (dir / "m").c_str(), "tmpfs", 0, nullptr) != 0)
            return std::string("not mounted");
          return std::string(sys::is_mount_point(dir / "m") ? "seen" : "unseen");
        }) == "seen");
  CHECK_FALSE(sys::is_mount_point(dir / "m"));
}
