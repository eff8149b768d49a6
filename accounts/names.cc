#include "accounts/names.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "accounts/files.h"
#include "common/ascii.h"
#include "common/text.h"
#include "nss/accounts_format.h"
#include "nss/reserved_names.h"

namespace pamcognito::accounts {
namespace {

constexpr std::size_t kMaxGlob = 64;

// A '.', or a prefix or suffix of accounts.conf: no package of the archive makes such a user.
bool is_marked(const Settings& settings, std::string_view name) {
  const auto longer = [&](const std::string& part) { return name.size() > part.size(); };
  return name.contains('.') ||
         std::ranges::any_of(settings.prefixes,
                             [&](const std::string& prefix) {
                               return longer(prefix) && name.starts_with(prefix);
                             }) ||
         std::ranges::any_of(settings.suffixes, [&](const std::string& suffix) {
           return longer(suffix) && name.ends_with(suffix);
         });
}

}  // namespace

bool is_name(std::string_view name) noexcept {
  return is_account_name(name.data(), name.size());
}

bool is_glob(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kMaxGlob && std::ranges::all_of(text, [](char c) {
    return ascii::is_lower(c) || ascii::is_digit(c) || c == '_' || c == '.' || c == '-' ||
           c == '*' || c == '?';
  });
}

bool matches(std::string_view glob, std::string_view name) noexcept {
  std::size_t at = 0;
  std::size_t in = 0;
  std::size_t star = std::string_view::npos;  // the last '*', and the part of `name` it takes
  std::size_t taken = 0;
  while (in < name.size()) {
    if (at < glob.size() && glob[at] == '*') {
      star = at++;
      taken = in;
    } else if (at < glob.size() && (glob[at] == '?' || glob[at] == name[in])) {
      ++at;
      ++in;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in = ++taken;
    } else {
      return false;
    }
  }
  while (at < glob.size() && glob[at] == '*') ++at;
  return at == glob.size();
}

Result<void> check_new_name(const Settings& settings, const LocalFiles& local,
                            std::string_view name, bool any_name) {
  if (!is_name(name))
    return refused(Refusal::malformed,
                   "'" + printable(name, 64) +
                       "' is no account name: use [a-z_][a-z0-9_.-]*, at most 32 characters");
  const std::string text(name);
  if (!any_name && std::ranges::none_of(settings.names, [&](const std::string& glob) {
        return matches(glob, name);
      }))
    return refused(Refusal::name_not_permitted,
                   text + " does not match `names` of accounts.conf: run cognitoctl users add " +
                       text + " to add the user all the same");
  if (!any_name && !is_marked(settings, name))
    return refused(Refusal::name_not_permitted,
                   text +
                       " has no '.', and no prefix or suffix of accounts.conf, so a package may "
                       "create a user of this name: run cognitoctl users add " +
                       text + " to add the user all the same");
  if (is_reserved_name(name.data(), name.size()))
    return refused(Refusal::name_reserved,
                   text +
                       " is the name of a user or group that a package creates: choose another "
                       "name");
  if (local.has_name(name))
    return refused(Refusal::name_is_local,
                   text +
                       " is in /etc/passwd or /etc/group: remove it there, or choose another "
                       "name");
  return {};
}

}  // namespace pamcognito::accounts
