#include "daemon/cognito/reachability.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>
#include <utility>

namespace pamcognito::cognito {
namespace {

constexpr std::string_view kFirstLine = "pam-cognito pool addresses 1";
constexpr std::time_t kWriteAfter = 3600;
constexpr std::size_t kMaxNetwork = 128;

bool is_numeric_address(const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

std::string_view take_until(std::string_view& text, char end) {
  const auto at = text.find(end);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return taken;
}

std::optional<KnownAddress> parse_address(std::string_view line) {
  KnownAddress known;
  known.address = take_until(line, ' ');
  const std::string_view time = take_until(line, ' ');
  known.network = line;
  const auto [end, error] =
      std::from_chars(time.data(), time.data() + time.size(), known.verified_at);
  if (error != std::errc() || end != time.data() + time.size() ||
      !is_numeric_address(known.address) || known.network.size() > kMaxNetwork)
    return std::nullopt;
  return known;
}

}  // namespace

std::expected<void, std::string> KnownAddresses::load(std::string_view text) {
  addresses_.clear();
  ever_reached_ = true;
  if (text.size() > kMaxFileBytes || take_until(text, '\n') != kFirstLine)
    return std::unexpected("is not a file of cognitod");
  bool is_this_host = false;
  std::vector<KnownAddress> read;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    const std::string_view word = take_until(line, ' ');
    if (word == "host") {
      is_this_host = line == host_;
      continue;
    }
    auto known = word == "address" ? parse_address(line) : std::nullopt;
    if (!known || read.size() == kMax) return std::unexpected("is malformed");
    read.push_back(std::move(*known));
  }
  if (is_this_host) addresses_ = std::move(read);
  return {};
}

std::string KnownAddresses::text() const {
  std::string text(kFirstLine);
  text += "\nhost " + host_ + "\n";
  for (const KnownAddress& known : addresses_)
    text += "address " + known.address + " " + std::to_string(known.verified_at) + " " +
            known.network + "\n";
  return text;
}

bool KnownAddresses::verified(const std::string& address, std::time_t now,
                              const std::string& network) {
  if (!is_numeric_address(address)) return false;
  const bool first_contact = !std::exchange(ever_reached_, true);
  const auto found = std::ranges::find(addresses_, address, &KnownAddress::address);
  if (found != addresses_.end()) {
    const bool changed = found->network != network || now - found->verified_at >= kWriteAfter ||
                         now < found->verified_at;
    if (changed) found->verified_at = now;
    found->network = network;
    return changed || first_contact;
  }
  if (addresses_.size() == kMax)
    addresses_.erase(std::ranges::min_element(addresses_, {}, &KnownAddress::verified_at));
  KnownAddress known;
  known.address = address;
  known.verified_at = now;
  known.network = network;
  addresses_.push_back(std::move(known));
  return true;
}

void KnownAddresses::drop(const std::string& address) {
  std::erase_if(addresses_, [&](const KnownAddress& known) { return known.address == address; });
}

bool KnownAddresses::is_fresh(const KnownAddress& known, std::time_t now,
                              std::string_view network) noexcept {
  return known.verified_at <= now && now - known.verified_at <= kFreshFor &&
         known.network == network;
}

Round judge(std::span<const AddressProbe> known, Probe by_name, bool ever_reached) {
  const auto any = [&](Probe result) {
    return by_name == result || std::ranges::count(known, result, &AddressProbe::result) > 0;
  };
  if (any(Probe::reached)) return Round::reached;
  if (any(Probe::foreign) || any(Probe::undecided)) return Round::undecided;
  if (known.empty() && ever_reached) return Round::undecided;
  if (known.empty()) return by_name == Probe::no_route ? Round::no_route : Round::failed;
  const auto is_no_route = [](const AddressProbe& one) { return one.result == Probe::no_route; };
  if (std::ranges::all_of(known, is_no_route)) return Round::no_route;
  return std::ranges::any_of(known, &AddressProbe::fresh) ? Round::failed : Round::undecided;
}

void Reachability::begin_run(Time now) noexcept {
  rounds_ = 0;
  no_route_rounds_ = 0;
  first_ = now;
  if (state_ == Reach::unreachable) state_ = Reach::in_doubt;
}

void Reachability::reached() noexcept {
  begin_run({});
  state_ = Reach::reachable;
}

void Reachability::doubt(Time now) noexcept {
  if (state_ != Reach::reachable) return;
  state_ = Reach::in_doubt;
  since_ = now;
}

void Reachability::note(Round round, Time now) noexcept {
  if (round == Round::reached) return reached();
  if (since_ == Time{}) since_ = now;  // the first since the start
  doubt(now);
  if (round == Round::undecided) return begin_run(now);
  if (rounds_ == 0 || now - last_ > kMaxGap) begin_run(now);
  ++rounds_;
  no_route_rounds_ = round == Round::no_route ? no_route_rounds_ + 1 : 0;
  last_ = now;
  if (no_route_rounds_ >= kNoRouteRounds || (rounds_ >= kFewestRounds && now - first_ >= after_))
    state_ = Reach::unreachable;
}

}  // namespace pamcognito::cognito
