#include "tests/pool/sigv4.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <ctime>
#include <map>
#include <string_view>
#include <utility>

#include "tests/pool/crypto.h"

namespace pamcognito::pool {

namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (size_t start = 0;;) {
    const size_t end = text.find(separator, start);
    parts.emplace_back(text.substr(start, end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) {
    if (&part != &parts.front()) text += separator;
    text += part;
  }
  return text;
}

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Every byte but the unreserved characters of RFC 3986.
std::string uri_encoded(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                       (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' ||
                       byte == '~';
    if (plain) {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 0x0F]};
    }
  }
  return out;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
                        hex_value(text[i + 2]) >= 0;
    if (!escape) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
    i += 2;
  }
  return out;
}

// Without `.`, `..` and empty segments, and each segment encoded once more. (S3 alone differs.)
std::string canonical_path(const std::string& path) {
  std::vector<std::string> kept;
  for (const std::string& segment : split(path, '/')) {
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(uri_encoded(segment));
    }
  }
  std::string out = "/" + join(kept, "/");
  const bool ends_in_directory =
      path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
  if (ends_in_directory && !kept.empty()) out += '/';
  return out;
}

std::string canonical_query(const std::string& query) {
  if (query.empty()) return "";
  std::vector<std::pair<std::string, std::string>> parameters;
  for (const std::string& part : split(query, '&')) {
    const size_t equals = part.find('=');
    const std::string name = part.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : part.substr(equals + 1);
    parameters.emplace_back(uri_encoded(percent_decoded(name)),
                            uri_encoded(percent_decoded(value)));
  }
  std::ranges::sort(parameters);
  std::vector<std::string> lines;
  for (const auto& [name, value] : parameters) {
    std::string line = name;
    line += '=';
    line += value;
    lines.push_back(std::move(line));
  }
  return join(lines, "&");
}

// Trimmed, and each run of blanks is one space.
std::string canonical_value(std::string_view value) {
  std::string out;
  for (const char c : trimmed(value)) {
    const char kept = c == '\t' ? ' ' : c;
    if (kept != ' ' || !out.ends_with(' ')) out += kept;
  }
  return out;
}

bool is_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// The decimal number at this place of a text whose digits were checked.
int number_in(const std::string& text, size_t start, size_t length) {
  int number = 0;
  for (const char c : text.substr(start, length)) number = number * 10 + (c - '0');
  return number;
}

}  // namespace

std::string Authorization::scope() const {
  return join({date, region, service, terminator}, "/");
}

bool Authorization::signs(const std::string& header) const {
  return std::ranges::find(signed_headers, header) != signed_headers.end();
}

std::expected<Authorization, std::string> parse_authorization(const std::string& header) {
  const std::string start = std::string(kSigningAlgorithm) + " ";
  if (!header.starts_with(start)) {
    return std::unexpected("Unsupported AWS 'algorithm': '" + header.substr(0, header.find(' ')) +
                           "'.");
  }
  std::map<std::string, std::string> members;
  for (const std::string& part : split(std::string_view(header).substr(start.size()), ',')) {
    const std::string_view member = trimmed(part);
    const size_t equals = member.find('=');
    const std::string name(member.substr(0, equals));
    if (equals == std::string_view::npos ||
        !members.emplace(name, std::string(member.substr(equals + 1))).second) {
      return std::unexpected("'" + std::string(member) +
                             "' not a valid key=value pair (missing equal-sign) in Authorization "
                             "header.");
    }
  }
  std::string missing;
  for (const char* name : {"Credential", "Signature", "SignedHeaders"}) {
    if (!members[name].empty()) continue;
    missing += std::string("Authorization header requires '") + name + "' parameter. ";
  }
  if (!missing.empty()) return std::unexpected(missing + "Authorization=" + header);
  const std::vector<std::string> scope = split(members["Credential"], '/');
  if (scope.size() != 5 || std::ranges::any_of(scope, &std::string::empty)) {
    return std::unexpected(
        "Credential must have exactly 5 slash-delimited elements, e.g. "
        "keyid/date/region/service/term, got '" +
        members["Credential"] + "'");
  }
  Authorization found;
  found.access_key_id = scope[0];
  found.date = scope[1];
  found.region = scope[2];
  found.service = scope[3];
  found.terminator = scope[4];
  found.signed_headers = split(members["SignedHeaders"], ';');
  found.signature = members["Signature"];
  const bool in_order =
      std::ranges::adjacent_find(found.signed_headers, std::ranges::greater_equal{}) ==
      found.signed_headers.end();
  const bool lower = std::ranges::none_of(
      members["SignedHeaders"], [](char c) { return c == ' ' || (c >= 'A' && c <= 'Z'); });
  if (!in_order || !lower) {
    return std::unexpected("SignedHeaders must be in lower case and sorted, got '" +
                           members["SignedHeaders"] + "'");
  }
  return found;
}

std::optional<int64_t> parse_amz_date(const std::string& text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z' || !is_digits(text.substr(0, 8)) ||
      !is_digits(text.substr(9, 6))) {
    return std::nullopt;
  }
  std::tm utc{};
  utc.tm_year = number_in(text, 0, 4) - 1900;
  utc.tm_mon = number_in(text, 4, 2) - 1;
  utc.tm_mday = number_in(text, 6, 2);
  utc.tm_hour = number_in(text, 9, 2);
  utc.tm_min = number_in(text, 11, 2);
  utc.tm_sec = number_in(text, 13, 2);
  const int64_t unix_s = timegm(&utc);
  // timegm() takes a 31st of February for a day in March.
  if (amz_date(unix_s) != text) return std::nullopt;
  return unix_s;
}

std::string amz_date(int64_t unix_s) {
  const time_t when = unix_s;
  std::tm utc{};
  gmtime_r(&when, &utc);
  std::array<char, 32> text{};
  (void)std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &utc);
  return text.data();
}

std::string canonical_request(const HttpRequest& request,
                              const std::vector<std::string>& signed_headers) {
  std::string out = request.method + '\n' + canonical_path(request.path) + '\n' +
                    canonical_query(request.query) + '\n';
  for (const std::string& name : signed_headers) {
    std::vector<std::string> values;
    for (const auto& [given, value] : request.headers) {
      if (given == name) values.push_back(canonical_value(value));
    }
    out += name;
    out += ':' + join(values, ",") + '\n';
  }
  return out + '\n' + join(signed_headers, ";") + '\n' + hex_encode(sha256(request.body));
}

std::string string_to_sign(const std::string& time, const std::string& scope,
                           const std::string& canonical) {
  return join({kSigningAlgorithm, time, scope, hex_encode(sha256(canonical))}, "\n");
}

std::string signing_key(const std::string& secret, const std::string& date,
                        const std::string& region, const std::string& service) {
  const std::string of_date = hmac_sha256("AWS4" + secret, date);
  return hmac_sha256(hmac_sha256(hmac_sha256(of_date, region), service), kScopeEnd);
}

std::string signature_of(const std::string& key, const std::string& text) {
  return hex_encode(hmac_sha256(key, text));
}

}  // namespace pamcognito::pool
