#pragma once

#include <string>
#include <string_view>

// The names of sections and keys in cognitod.conf: those that version 0.2.0 had are accepted for
// one more version.
namespace pamcognito::policy {

// The service of callers that are not root: the service that a user's own process names is not
// believed. Its section is [service locker].
inline constexpr char kUserService[] = "user";

// The NAME of "service NAME" as the daemon has it: kUserService of "service locker" and, as in
// 0.2.0, of "service user". Empty for other sections.
std::string_view service_of_section(std::string_view section);
// "service sshd", and "service locker" for kUserService.
std::string section_of_service(std::string_view service);
// A service by the name that people use: kUserService for "locker".
std::string_view service_by_name(std::string_view name);

// A setting as a file has it, by its present names.
struct NamedSetting {
  std::string section;
  std::string key;
  std::string value;
  // "[mfa] issuer is now [mfa] app_label", if key or value has a new name; else empty.
  std::string renamed;
};
NamedSetting by_present_name(std::string_view section, std::string_view key,
                             std::string_view value);

// "service locker" of "service user": the section of a file by its present name.
std::string present_section(std::string_view section);
// Is it a section of which only old names of keys are left?
bool is_former_section(std::string_view section);

}  // namespace pamcognito::policy
