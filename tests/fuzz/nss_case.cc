#include "tests/fuzz/nss_case.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace nss_fuzz {
namespace {

constexpr std::size_t kHead = 8;

std::string_view take(std::string_view& from, std::size_t size) {
  const std::string_view taken = from.substr(0, size);
  from.remove_prefix(taken.size());
  return taken;
}

std::uint16_t number(std::string_view head, std::size_t at) {
  std::uint16_t value = 0;
  std::memcpy(&value, head.data() + at, sizeof(value));
  return value;
}

}  // namespace

Case parse(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  Case one;
  if (size < kHead) return one;
  const std::string_view head = take(rest, kHead);
  one.fault = static_cast<std::uint8_t>(head[4]) % kFaults;
  one.fault_at = static_cast<std::uint8_t>(head[5]);
  one.conf = take(rest, number(head, 0));
  one.file = take(rest, number(head, 2));
  std::size_t count = std::min<std::size_t>(static_cast<std::uint8_t>(head[6]), kMaxQuestions);
  for (; count > 0 && rest.size() >= sizeof(Question); --count)
    std::memcpy(&one.questions.emplace_back(), take(rest, sizeof(Question)).data(),
                sizeof(Question));
  return one;
}

std::string bytes_of(const Case& one) {
  std::string bytes(kHead, '\0');
  const std::string_view conf = std::string_view(one.conf).substr(0, UINT16_MAX);
  const std::string_view file = std::string_view(one.file).substr(0, UINT16_MAX);
  const std::array<std::uint16_t, 2> sizes = {static_cast<std::uint16_t>(conf.size()),
                                              static_cast<std::uint16_t>(file.size())};
  std::memcpy(bytes.data(), sizes.data(), sizeof(sizes));
  bytes[4] = static_cast<char>(one.fault);
  bytes[5] = static_cast<char>(one.fault_at);
  bytes[6] = static_cast<char>(one.questions.size());
  bytes.append(conf).append(file);
  for (const Question& question : one.questions)
    bytes.append(reinterpret_cast<const char*>(&question), sizeof(question));
  return bytes;
}

}  // namespace nss_fuzz
