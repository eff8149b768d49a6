#pragma once

#include <expected>
#include <string>
#include <string_view>

// Translations of the texts, as gettext makes them (po/*.po, msgfmt). libintl itself is not used:
// it takes the language from the process's locale, which must exist on the host, and from its
// environment. Here the configuration names the language, and nothing else decides.
namespace pamcognito::prompts {

inline constexpr std::string_view kSourceLanguage = "en";
// The directory of the installed catalogues: the prefix's locale directory, /usr/share/locale.
inline constexpr char kLocaleDirectory[] = PAM_COGNITO_LOCALE_DIRECTORY;

// Reads DIRECTORY/LANGUAGE/LC_MESSAGES/pam-cognito.mo (GNU gettext manual, "The Format of GNU MO
// Files"), checks the whole file, and makes it the process's language. The error names the fault
// and what to do; the language stays as it was. "en" needs no file.
std::expected<void, std::string> use_language(const std::string& directory,
                                              const std::string& language);

// The organization's contact, which help() is from now on; empty: the translated default. A reload
// may change it.
void use_help(std::string help);

// The translation of an English text in the present language, or the text itself.
std::string tr(std::string_view english);

}  // namespace pamcognito::prompts
