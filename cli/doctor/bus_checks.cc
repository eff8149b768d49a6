#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/doctor/checks.h"
#include "common/bus_names.h"

namespace pamcognito::cli {
namespace {

constexpr char kPolicyFile[] = "org.pamcognito.Auth1.conf";
constexpr char kShipped[] = "/usr/share/dbus-1/system.d/";
constexpr char kLocal[] = "/etc/dbus-1/system.d/";

std::string without_comments(std::string text) {
  while (true) {
    const std::size_t begin = text.find("<!--");
    if (begin == std::string::npos) return text;
    const std::size_t end = text.find("-->", begin);
    text.erase(begin, end == std::string::npos ? end : end + 3 - begin);
  }
}

// The opening tags of an XML text, in order, each on one line and with double quotes.
std::vector<std::string> tags_of(const std::string& text) {
  std::vector<std::string> tags;
  for (std::size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at + 1)) {
    std::string tag = text.substr(at, text.find('>', at) - at);
    for (char& c : tag) c = c == '\'' ? '"' : c == '\n' || c == '\t' ? ' ' : c;
    tags.push_back(std::move(tag));
  }
  return tags;
}

std::string attribute(const std::string& tag, const std::string& name) {
  const std::size_t at = tag.find(" " + name + "=\"");
  if (at == std::string::npos) return {};
  const std::size_t from = at + name.size() + 3;
  return tag.substr(from, tag.find('"', from) - from);
}

// Does the tag allow to own our name, by name, prefix or for everything?
bool allows_our_name(const std::string& tag) {
  if (!tag.starts_with("<allow")) return false;
  const std::string own = attribute(tag, "own");
  const std::string prefix = attribute(tag, "own_prefix");
  return own == bus_names::kService || own == "*" ||
         (!prefix.empty() && (prefix == bus_names::kService ||
                              std::string(bus_names::kService).starts_with(prefix + ".")));
}

// Does the tag allow to call the daemon as a PAM host of root's does?
bool allows_host_calls(const std::string& tag) {
  if (!tag.starts_with("<allow") || !tag.contains(" send_")) return false;
  const auto covers = [&](const char* name, std::string_view ours) {
    const std::string value = attribute(tag, name);
    return value.empty() || value == "*" || value == ours;
  };
  return covers("send_destination", bus_names::kService) &&
         covers("send_interface", bus_names::kHostInterface) &&
         covers("send_type", "method_call") && attribute(tag, "send_requested_reply").empty();
}

// The user, group or context that this file permits the name or root's interface without need;
// empty if there is none.
std::string lax_policy_of(const std::string& text) {
  std::string who;
  for (const std::string& tag : tags_of(without_comments(text))) {
    if (tag.starts_with("<policy")) who = tag;
    const std::string user = attribute(who, "user");
    const bool is_root = user == "root" || user == "0";
    if (allows_our_name(tag) && !is_root && user != "cognitod") return who + ">";
    if (allows_host_calls(tag) && !is_root) return who + ">";
  }
  return {};
}

bool lets_root_be_a_host(const std::string& text) {
  std::string who;
  for (const std::string& tag : tags_of(without_comments(text))) {
    if (tag.starts_with("<policy")) who = tag;
    if (allows_host_calls(tag) && attribute(who, "user") == "root") return true;
  }
  return false;
}

Finding check_installed(const System& system) {
  const Check check{"dbus-policy", "the D-Bus policy is installed"};
  const std::string shipped = std::string(kShipped) + kPolicyFile;
  const std::string local = std::string(kLocal) + kPolicyFile;
  const auto text = system.read(local) ? system.read(local) : system.read(shipped);
  if (!text)
    return check.fault(shipped + " is missing: nobody may call cognitod",
                       "install the package again, then: systemctl reload dbus");
  const std::string tags = without_comments(*text);
  if (!tags.contains("own=\"org.pamcognito.Auth1\"") || !tags.contains("user=\"cognitod\""))
    return check.fault("it does not give the name org.pamcognito.Auth1 to the user cognitod",
                       "remove " + local +
                           ", or install the package again; then: systemctl "
                           "reload dbus");
  if (!lets_root_be_a_host(*text))
    return check.fault("it does not let root send to org.pamcognito.Host1: nobody can sign in",
                       "install the package again, then: systemctl reload dbus");
  if (!tags.contains("<deny own=\"org.pamcognito.Auth1\""))
    return check.fault("it does not deny the name to everybody else",
                       "install the package again, then: systemctl reload dbus");
  return check.ok();
}

Finding check_laxer(const System& system) {
  const Check check{"dbus-policy-lax",
                    "no policy gives away the daemon's name or root's interface"};
  std::vector<std::string> files{"/etc/dbus-1/system.conf", "/etc/dbus-1/system-local.conf"};
  for (const char* directory : {kShipped, kLocal})
    for (const std::string& name :
         system.list(std::string(directory).substr(0, std::string(directory).size() - 1)))
      if (name.ends_with(".conf")) files.push_back(directory + name);
  for (const std::string& file : files) {
    const auto text = system.read(file);
    if (!text) continue;
    const std::string lax = lax_policy_of(*text);
    if (!lax.empty())
      return check.fault(file +
                             " lets others own org.pamcognito.Auth1 or send to "
                             "org.pamcognito.Host1 (" +
                             lax + "): they would say who may sign in, or from where",
                         "remove that line, then: systemctl reload dbus");
  }
  return check.ok();
}

Finding check_activation(const System& system) {
  const Check check{"dbus-activation", "cognitod is started when it is called"};
  const auto text = system.read("/usr/share/dbus-1/system-services/org.pamcognito.Auth1.service");
  if (!text)
    return check.fault(
        "org.pamcognito.Auth1.service is missing in "
        "/usr/share/dbus-1/system-services: a stopped cognitod is not started",
        "install the package again, then: systemctl reload dbus");
  if (!text->contains("SystemdService="))
    return check.warning("it is not started by systemd, so without its sandbox",
                         "install the package again");
  return check.ok();
}

}  // namespace

Findings check_bus_policy(const System& system) {
  return {check_installed(system), check_laxer(system), check_activation(system)};
}

}  // namespace pamcognito::cli
