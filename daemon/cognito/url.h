#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace pamcognito::cognito {

// An absolute http or https URL of the plain kind that a pool needs: no user, query or fragment.
struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; an IPv6 literal without its brackets
  std::uint16_t port = 0;
  std::string path;  // "" or "/…"
};

// Parses `text`, or says what is wrong with it ("has no host").
std::expected<Url, std::string> parse_url(std::string_view text);

// True for 127.0.0.0/8 and ::1 written as an address. "localhost" is a name, and a resolver decides
// where a name leads.
bool is_loopback_literal(std::string_view host);

// https anywhere, http only to a loopback literal: what this daemon may connect to.
std::expected<Url, std::string> parse_permitted_url(std::string_view text);

bool same_origin(const Url& left, const Url& right);

}  // namespace pamcognito::cognito
