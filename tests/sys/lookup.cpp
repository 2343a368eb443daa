#include <strata/sys/additional_tree.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/visit_contents.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <cerrno>
#include <string>
#include <sys/resource.h>
#include <vector>

using namespace strata;

namespace {

/// No descriptor can be opened while it lives: what looks for a file can then not tell whether it is there.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    int free = 0;
    while (::fcntl(free, F_GETFD) >= 0) ++free;
    rlimit less = before_;
    less.rlim_cur = static_cast<rlim_t>(free);
    for (int fd = ::dup(0); fd >= 0; fd = -1) ::close(fd);
    ::setrlimit(RLIMIT_NOFILE, &less);
  }
  NoDescriptors(NoDescriptors const&) = delete;
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

template <class Call>
int code_of(Call&& call) {
  try {
    call();
  } catch (Error const& error) {
    return error.code().value();
  }
  return 0;
}

}  // namespace

TEST_CASE("a look-up tells present, absent and unknown apart", "[sys][lookup]") {
  testing::TempDir dir;
  sys::replace_file(dir / "file", "text");
  auto const present = sys::find_at(dir / "file", O_RDONLY);
  REQUIRE(present);
  CHECK(sys::read_rest(present->get(), "file") == "text");
  CHECK(present.code() == 0);
  CHECK(sys::find_at(dir / "none", O_RDONLY).is_absent());
  CHECK(sys::find_at(dir / "file/below", O_RDONLY).is_absent());
  CHECK(sys::find_status(dir / "file")->st_size == 4);
  CHECK_FALSE(sys::is_present(dir / "none"));
  auto const unknown = sys::Lookup<int>::failed(EIO, "open", "name");
  CHECK(unknown.is_unknown());
  CHECK(unknown.code() == EIO);
  CHECK(code_of([&] { static_cast<void>(static_cast<bool>(unknown)); }) == EIO);
  CHECK(code_of([&] { static_cast<void>(unknown.is_absent()); }) == EIO);
  CHECK(code_of([&] { static_cast<void>(*unknown); }) == EIO);
  CHECK(code_of([] { sys::Lookup<int>::failed(EMFILE, "open", "n").optional(); }) == EMFILE);
  CHECK(sys::Lookup<int>::failed(EMFILE, "open", "n").best_effort() == std::nullopt);
  CHECK(code_of([] { static_cast<void>(*sys::Lookup<int>::absent()); }) == ENOENT);
}

TEST_CASE("the error of a look-up has the name that it was given", "[sys][lookup]") {
  try {
    auto const found = sys::Lookup<int>::failed(EIO, "open", "b").named([] { return "a/b"; });
    static_cast<void>(static_cast<bool>(found));
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.subject() == "open a/b");
  }
}

TEST_CASE("what cannot be opened is not taken for absent", "[sys][lookup]") {
  testing::TempDir dir;
  auto temp = sys::StagingDirectory::create(dir / "temp");
  temp.note("layer-a");
  sys::make_directories(dir / "tree/below", 0700);
  int errors[3] = {};
  {
    NoDescriptors const none;
    errors[0] = code_of([&] { static_cast<void>(sys::is_present(dir / "tree")); });  // needs no descriptor
    errors[1] = code_of([&] { static_cast<void>(temp.notes()); });
    errors[2] = code_of([&] { static_cast<void>(sys::StagingDirectory::look(dir / "temp")); });
  }
  CHECK(errors[0] == 0);
  CHECK(errors[1] == EMFILE);
  CHECK(errors[2] == EMFILE);
}

TEST_CASE("an entry whose kind cannot be told is an error, not a file", "[sys][lookup]") {
  int error = code_of([] { static_cast<void>(sys::is_directory(-1, {"name", DT_UNKNOWN})); });
  CHECK(error == EBADF);
}

TEST_CASE("the status of a path longer than PATH_MAX is found, through links as well", "[sys][lookup]") {
  testing::TempDir dir;
  std::string const name(250, 'd');
  std::string deep = "link";
  {
    sys::Fd at = sys::open_at(AT_FDCWD, dir.path(), O_RDONLY | O_DIRECTORY);
    fs::create_symlink(name, dir / "link");
    for (int i = 0; i < 30; ++i) {
      REQUIRE(::mkdirat(at.get(), name.c_str(), 0700) == 0);
      at = sys::open_at(at.get(), name, O_RDONLY | O_DIRECTORY);
      if (i > 0) deep += '/' + name;
    }
    REQUIRE(::symlinkat("nowhere", at.get(), "end") == 0);
  }
  auto const end = sys::find_status(dir / deep / "end");
  REQUIRE(end);
  CHECK(S_ISLNK(end->st_mode));
  CHECK(sys::find_status(dir / deep / "end", 0).is_absent());
  CHECK(sys::find_status(dir / deep / "missing").is_absent());
  CHECK(sys::is_directory(dir / deep));
  CHECK(sys::find_status(dir / deep / std::string(300, 'x')).is_absent());
}
