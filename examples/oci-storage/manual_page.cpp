#include <strata/version.hpp>

#include "manual.hpp"
#include "usage.hpp"
#include <algorithm>
#include <utility>
#include <vector>

namespace oci_storage::manual {
namespace {

/// A text as roff shows it: hyphens that can be copied, nothing that is taken for a request.
std::string escaped(std::string_view text) {
  std::string out;
  for (char const c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'')
      out += "\\(aq";
    else if ((c == '.' || c == '"') && out.empty())
      out += std::string("\\&") + c;
    else
      out += c;
  }
  return out;
}

std::string bold(std::string_view text) { return "\\fB" + escaped(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + escaped(text) + "\\fR"; }

/// The placeholder of a value: "NAME" of "--name".
std::string placeholder(OptionSpec const& spec) {
  auto name = std::string(spec.key());
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return name;
}

/// The options in the order of help: by their first names.
std::vector<OptionSpec> sorted(std::span<OptionSpec const> options) {
  std::vector<OptionSpec> out(options.begin(), options.end());
  std::ranges::sort(out, {}, &OptionSpec::key);
  return out;
}

void add_option(std::string& out, OptionSpec const& spec) {
  out += ".TP\n";
  std::string names;
  for (auto const name : names_of(spec)) {
    if (!names.empty()) names += ", ";
    names += bold(name);
  }
  out += names;
  if (spec.kind != OptionKind::flag) out += " " + italic(placeholder(spec));
  auto help = std::string(spec.help);
  if (auto const at = help.find("%t"); at != std::string::npos) help.replace(at, 2, "false");
  out += '\n' + escaped(help) + ".\n";
  if (spec.kind == OptionKind::list) out += "May be given several times.\n";
  if (!spec.standard.empty()) out += "Default: " + bold(spec.standard) + ".\n";
  if (!spec.values.empty()) {
    std::string list;
    for (auto rest = spec.values; !rest.empty();) {
      auto const end = std::min(rest.find(' '), rest.size());
      list += (list.empty() ? "" : ", ") + bold(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    out += "One of " + list + ".\n";
  }
}

void add_command(std::string& out, Command const& command) {
  out += ".SS " + escaped(command.name) + '\n';
  out += bold(std::string(usage::program) + ' ' + std::string(command.name));
  if (!command.argument_help.empty()) out += ' ' + escaped(command.argument_help);
  out += "\n.PP\n" + escaped(command.usage) + ".\n";
  if (!command.alias.empty()) out += "Also called " + bold(command.alias) + ".\n";
  for (auto const& spec : sorted(command.options)) add_option(out, spec);
}

struct Entry {
  std::string_view word;
  std::string_view text;
};

void add_entries(std::string& out, std::string_view title, std::span<Entry const> entries) {
  out += ".SH " + std::string(title) + '\n';
  for (auto const& entry : entries)
    ((((out += ".TP\n") += bold(entry.word)) += '\n') += escaped(entry.text)) += '\n';
}

constexpr Entry environment[] = {
    {"CONTAINERS_STORAGE_CONF", "The file that is read instead of all storage.conf files."},
    {"CONTAINERS_STORAGE_CONF_OVERRIDE", "A file that is read after them."},
    {"STORAGE_DRIVER", "The driver, instead of the configured one."},
    {"STORAGE_OPTS", "Options of the driver, between commas, instead of the configured ones."},
    {"TMPDIR", "The directory of scratch files; /var/tmp if it is not set."},
    {"REGISTRY_AUTH_FILE", "The file of credentials for registries that is read first."},
    {"DOCKER_CONFIG", "The directory of Docker's config.json, instead of ~/.docker."},
    {"CONTAINERS_REGISTRIES_CONF", "The file that is read instead of registries.conf."},
    {"http_proxy, https_proxy, all_proxy, no_proxy",
     "Proxies on the way to registries, and hosts without one."},
    {"SOURCE_DATE_EPOCH", "The time of an image that is committed, in seconds, instead of now."},
};
constexpr Entry files[] = {
    {"/etc/containers/storage.conf, /usr/share/containers/storage.conf", "The configuration of the machine."},
    {"~/.config/containers/storage.conf", "The configuration of a user, which takes its place."},
    {"storage.conf.d", "Directories beside these files, whose files *.conf are applied after them."},
    {"/etc/containers/registries.conf, ~/.config/containers/registries.conf",
     "Short names, mirrors, and registries that are insecure or blocked; files *.conf in registries.conf.d "
     "are applied after them."},
    {"$XDG_RUNTIME_DIR/containers/auth.json, ~/.config/containers/auth.json, ~/.docker/config.json",
     "Credentials for registries."},
    {"/etc/containers/policy.json, ~/.config/containers/policy.json", "Which images may come in."},
    {"/etc/containers/certs.d, /etc/docker/certs.d, ~/.config/containers/certs.d",
     "Certificates for registries, a directory for each."},
};
constexpr Entry statuses[] = {
    {"0", "Success."},
    {"1", "A command failed, or does not exist, or has too few or too many arguments."},
    {"125", "Wrong options, or help behind a command."},
};

}  // namespace

std::string man_page(std::span<Command const> table, std::string_view date) {
  std::string const name = usage::program;
  std::string out =
      ".\\\" Made by " + name + " \\-\\-generate man.\n.TH OCI\\-STORAGE 1 \"" + std::string(date) +
      "\" \"strata " STRATA_VERSION_TEXT "\" \"User Commands\"\n.SH NAME\n" + escaped(name) +
      " \\- look at and change a container storage\n.SH SYNOPSIS\n" + bold(name) + " [" + italic("options") +
      "] " + italic("command") + " [" + italic("options") + "] [" + italic("arguments") + "]\n";
  out += ".SH DESCRIPTION\n" + bold(name) +
         " works on the layers, images and containers that Podman, Buildah, CRI\\-O and skopeo have in "
         "common, while they "
         "run as well.\nItems are given by id, by a unique beginning of an id, or by name.\n";
  out += ".SH OPTIONS\nThese may stand before the command or behind it.\n";
  for (auto const& spec : sorted(global_options())) add_option(out, spec);
  out += ".SH COMMANDS\n";
  for (auto const& command : table) add_command(out, command);
  add_entries(out, "ENVIRONMENT", environment);
  add_entries(out, "FILES", files);
  add_entries(out, "EXIT STATUS", statuses);
  out += ".SH SEE ALSO\n.BR containers\\-storage.conf (5),\n.BR podman (1),\n.BR skopeo (1)\n";
  out.pop_back();
  return out;
}

}  // namespace oci_storage::manual
