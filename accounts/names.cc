#include "accounts/names.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "accounts/files.h"
#include "common/ascii.h"
#include "common/text.h"
#include "nss/accounts_conf.h"
#include "nss/accounts_format.h"
#include "nss/reserved_names.h"

namespace pamcognito::accounts {
namespace {

constexpr std::size_t kMaxGlob = 64;
constexpr std::size_t kMaxPool = 55;  // UserPoolIdType
constexpr std::size_t kMaxSub = 128;  // UsernameType; Cognito's are UUIDs

}  // namespace

bool is_name(std::string_view name) noexcept {
  return is_account_name(name.data(), name.size());
}

bool is_pool(std::string_view pool) noexcept {
  return !pool.empty() && pool.size() <= kMaxPool && std::ranges::all_of(pool, [](char c) {
    return ascii::is_alphanumeric(c) || c == '_' || c == '-';
  });
}

bool is_sub(std::string_view sub) noexcept {
  return !sub.empty() && sub.size() <= kMaxSub &&
         std::ranges::all_of(sub, [](char c) { return c > ' ' && c <= '~'; });
}

bool is_glob(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kMaxGlob && std::ranges::all_of(text, [](char c) {
    return ascii::is_lower(c) || ascii::is_digit(c) || c == '_' || c == '.' || c == '-' ||
           c == '*' || c == '?';
  });
}

Result<void> check_pool(const Settings& settings, std::string_view pool) {
  if (settings.pool.empty() || pool == settings.pool) return {};
  return refused(Refusal::bad_configuration, "accounts.conf has pool " + settings.pool +
                                                 ", and cognitod uses " + printable(pool, 64) +
                                                 ": run cognitoctl setup --accounts");
}

Result<void> check_new_name(const Settings& settings, const LocalFiles& local,
                            std::string_view name, bool any_name) {
  if (!is_name(name))
    return refused(Refusal::malformed,
                   "'" + printable(name, 64) +
                       "' is no account name: use [a-z_][a-z0-9_.-]*, at most 32 characters");
  const std::string text(name);
  if (!any_name && std::ranges::none_of(settings.names, [&](const std::string& glob) {
        return conf_text::matches(glob, name);
      }))
    return refused(Refusal::name_not_permitted,
                   text + " does not match `names` of accounts.conf: run cognitoctl users add " +
                       text + " to add the user all the same");
  if (!any_name && !conf_text::is_marked(settings.prefixes, settings.suffixes, name))
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
