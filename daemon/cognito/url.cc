#include "daemon/cognito/url.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>
#include <system_error>

#include "common/ascii.h"

namespace pamcognito::cognito {
namespace {

constexpr std::size_t kMaxUrl = 1024;

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > 253 || host.front() == '.' || host.front() == '-') return false;
  for (const char c : host) {
    if (!ascii::is_alphanumeric(c) && c != '.' && c != '-') return false;
  }
  return host.find("..") == std::string_view::npos;
}

// RFC 3986 path characters; a query or a fragment has no place in these URLs.
bool is_path(std::string_view path) {
  for (const char c : path) {
    if (!ascii::is_alphanumeric(c) && std::strchr("/-._~!$&'()*+,;=:@%", c) == nullptr)
      return false;
  }
  return true;
}

std::expected<std::uint16_t, std::string> parse_port(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value == 0 ||
      value > 65535) {
    return std::unexpected("has a port that is not a number from 1 to 65535");
  }
  return static_cast<std::uint16_t>(value);
}

}  // namespace

std::expected<Url, std::string> parse_url(std::string_view text) {
  if (text.size() > kMaxUrl) return std::unexpected("is longer than 1024 bytes");
  Url url;
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return std::unexpected("does not begin with https://");
  url.scheme = ascii::lower(text.substr(0, scheme_end));
  if (url.scheme != "https" && url.scheme != "http") {
    return std::unexpected("does not begin with https://");
  }
  text.remove_prefix(scheme_end + 3);

  const auto path_start = text.find('/');
  const std::string_view authority = text.substr(0, path_start);
  if (path_start != std::string_view::npos) url.path = text.substr(path_start);
  if (!is_path(url.path)) return std::unexpected("has a path with a character that is not allowed");

  std::string_view port;
  bool has_port = false;
  if (authority.starts_with('[')) {
    const auto bracket = authority.find(']');
    if (bracket == std::string_view::npos) return std::unexpected("has a [ without a ]");
    url.host = ascii::lower(authority.substr(1, bracket - 1));
    if (!is_ipv6(url.host)) return std::unexpected("has no IPv6 address between [ and ]");
    const std::string_view rest = authority.substr(bracket + 1);
    if (!rest.empty() && rest.front() != ':') return std::unexpected("has text after the ]");
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
  } else {
    const auto colon = authority.find(':');
    url.host = ascii::lower(authority.substr(0, colon));
    if (!is_host_name(url.host)) return std::unexpected("has no valid host name");
    has_port = colon != std::string_view::npos;
    if (has_port) port = authority.substr(colon + 1);
  }
  if (has_port) {
    const auto number = parse_port(port);
    if (!number) return std::unexpected(number.error());
    url.port = *number;
  } else {
    url.port = url.scheme == "https" ? 443 : 80;
  }
  return url;
}

bool is_loopback_literal(std::string_view host) {
  const std::string text(host);
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, text.c_str(), &v6) == 1 &&
         std::memcmp(&v6, &in6addr_loopback, sizeof v6) == 0;
}

std::expected<Url, std::string> parse_permitted_url(std::string_view text) {
  auto url = parse_url(text);
  if (url && url->scheme == "http" && !is_loopback_literal(url->host)) {
    return std::unexpected(
        "is http, which is allowed only to a loopback address such as 127.0.0.1");
  }
  return url;
}

bool same_origin(const Url& left, const Url& right) {
  return left.scheme == right.scheme && left.host == right.host && left.port == right.port;
}

}  // namespace pamcognito::cognito
