#include "manual.hpp"

#include "output.hpp"
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace oci_storage::manual {

std::vector<std::string_view> names_of(OptionSpec const& spec) {
  std::vector<std::string_view> out;
  for (auto rest = spec.names; !rest.empty();) {
    auto const end = std::min(rest.find(','), rest.size());
    out.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return out;
}

std::string build_date() {
  auto time = std::time(nullptr);
  if (auto const* const text = std::getenv("SOURCE_DATE_EPOCH"))
    std::from_chars(text, text + std::strlen(text), time);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char out[16];
  return {out, std::strftime(out, sizeof out, "%Y-%m-%d", &parts)};
}

int generate(std::string_view what) {
  if (what == "man") {
    say(man_page(commands(), build_date()));
  } else if (what == "bash") {
    say(bash_completion(commands()));
  } else {
    complain("--generate: \"", what, "\" is neither man nor bash");
    return 1;
  }
  return output_status();
}

}  // namespace oci_storage::manual
