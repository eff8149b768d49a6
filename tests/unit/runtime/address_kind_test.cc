#include "daemon/runtime/address_kind.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/cmocka_cpp.h"

namespace {

using pamcognito::runtime::AddressKind;
using pamcognito::runtime::kind_of_address;
using pamcognito::runtime::NetworkFiles;

// As the kernel writes it: the four bytes of the address as a number of the machine.
std::string number_of(const char* address) {
  in_addr ipv4{};
  assert_int_equal(::inet_pton(AF_INET, address, &ipv4), 1);
  std::array<char, 9> text{};
  (void)std::snprintf(text.data(), text.size(), "%08X", ipv4.s_addr);
  return text.data();
}

std::string digits_of(const char* address) {
  in6_addr ipv6{};
  assert_int_equal(::inet_pton(AF_INET6, address, &ipv6), 1);
  std::string text;
  for (const unsigned char byte : ipv6.s6_addr) {
    std::array<char, 3> digits{};
    (void)std::snprintf(digits.data(), digits.size(), "%02x", byte);
    text += digits.data();
  }
  return text;
}

// eth0 with a gateway, docker0 and br0 (bridges), ve-box (a virtual pair), vlan7, wg0.
class Machine {
 public:
  Machine() {
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
    interface("eth0", 2, 2, "INTERFACE=eth0\n");
    interface("docker0", 3, 3, "DEVTYPE=bridge\n");
    std::filesystem::create_directories(path_ + "/docker0/bridge");
    interface("br0", 4, 4, "DEVTYPE=bridge\n");
    std::filesystem::create_directories(path_ + "/br0/bridge");
    interface("ve-box", 5, 2, "INTERFACE=ve-box\n");
    interface("vlan7", 6, 2, "DEVTYPE=vlan\n");
    interface("wg0", 7, 7, "DEVTYPE=wireguard\n");
    ipv4_ = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n";
    route("eth0", "0.0.0.0", "192.0.2.1", "0.0.0.0");
    route("eth0", "192.0.2.0", "0.0.0.0", "255.255.255.0");
    route("docker0", "172.17.0.0", "0.0.0.0", "255.255.0.0");
    route("br0", "198.51.100.0", "0.0.0.0", "255.255.255.0");
    route("br0", "203.0.113.0", "198.51.100.1", "255.255.255.0");
    route("ve-box", "192.168.8.0", "0.0.0.0", "255.255.255.240");
    route("vlan7", "10.7.0.0", "0.0.0.0", "255.255.0.0");
    route("wg0", "10.8.0.0", "0.0.0.0", "255.255.0.0");
    route("eth0", "10.9.0.0", "0.0.0.0", "255.255.0.0");
    route("docker0", "10.9.0.0", "0.0.0.0", "255.255.0.0");
    route("ghost0", "10.10.0.0", "0.0.0.0", "255.255.0.0");
    route6("::", 0, "fe80::1", "eth0");
    route6("::", 0, "::", "lo");
    route6("2001:db8:1::", 64, "::", "eth0");
    route6("fd00:17::", 64, "::", "docker0");
    route6("2001:db8:1::99", 128, "::", "lo");
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine() { std::filesystem::remove_all(path_); }

  void route(const char* interface, const char* destination, const char* gateway,
             const char* mask) {
    ipv4_ += std::string(interface) + "\t" + number_of(destination) + "\t" + number_of(gateway) +
             "\t0003\t0\t0\t0\t" + number_of(mask) + "\t0\t0\t0\n";
  }
  void route6(const char* destination, unsigned prefix, const char* next_hop,
              const char* interface) {
    std::array<char, 3> length{};
    (void)std::snprintf(length.data(), length.size(), "%02x", prefix);
    ipv6_ += digits_of(destination) + " " + length.data() + " " + digits_of("::") + " 00 " +
             digits_of(next_hop) + " 00000400 00000001 00000000 00000001 " + interface + "\n";
  }
  AddressKind kind_of(const char* address) {
    const NetworkFiles files{path_ + "/route", path_ + "/ipv6_route", path_};
    write(files.ipv4_routes, ipv4_);
    write(files.ipv6_routes, ipv6_);
    return kind_of_address(address, files);
  }
  std::string& ipv4() { return ipv4_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  static void write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
  }
  void interface(const std::string& name, int number, int link, const std::string& event) {
    const std::string folder = path_ + "/" + name;
    std::filesystem::create_directories(folder);
    write(folder + "/ifindex", std::to_string(number) + "\n");
    write(folder + "/iflink", std::to_string(link) + "\n");
    write(folder + "/uevent", event);
  }

  std::string path_ = std::filesystem::temp_directory_path() / "network.XXXXXX";
  std::string ipv4_;
  std::string ipv6_;
};

struct Row {
  const char* address;
  AddressKind kind;
};

constexpr Row kRows[] = {
    {"192.0.2.7", AddressKind::remote},
    {"8.8.8.8", AddressKind::remote},
    {"10.7.0.5", AddressKind::remote},     // a VLAN
    {"10.8.0.5", AddressKind::remote},     // a tunnel
    {"203.0.113.9", AddressKind::remote},  // beyond a gateway on a bridge
    {"172.17.0.2", AddressKind::container},
    {"198.51.100.9", AddressKind::container},
    {"192.168.8.2", AddressKind::container},
    {"10.9.0.1", AddressKind::container},   // on two links, one of them a bridge
    {"10.10.0.1", AddressKind::container},  // an interface that is not there any more
    {"2001:db8:1::7", AddressKind::remote},
    {"2001:db8:2::7", AddressKind::remote},
    {"fd00:17::2", AddressKind::container},
    {"2001:db8:1::99", AddressKind::own},
    {"127.0.0.1", AddressKind::own},
    {"127.8.9.10", AddressKind::own},
    {"::1", AddressKind::own},
    {"", AddressKind::unknown},
    {"host.example", AddressKind::unknown},
    {"192.0.2.7%eth0", AddressKind::unknown},
};

void the_route_tells_whose_an_address_is(void**) {
  Machine machine;
  for (const Row& row : kRows) {
    const AddressKind kind = machine.kind_of(row.address);
    if (kind != row.kind)
      fail_msg("%s: %d, wanted %d", row.address, static_cast<int>(kind),
               static_cast<int>(row.kind));
  }
}

void without_a_route_or_a_whole_table_nothing_is_known(void**) {
  Machine machine;
  const std::string table = machine.ipv4();
  machine.ipv4() = table.substr(0, table.find('\n') + 1);
  assert_true(machine.kind_of("192.0.2.7") == AddressKind::unknown);
  machine.ipv4() = table + "eth0\tnonsense\n";
  assert_true(machine.kind_of("192.0.2.7") == AddressKind::unknown);
  // A longer prefix may be in the rest.
  machine.ipv4() = table;
  machine.ipv4().insert(machine.ipv4().size() - 1, 64UL * 1024 - table.size(), ' ');
  assert_true(machine.kind_of("192.0.2.7") == AddressKind::remote);
  machine.ipv4().insert(machine.ipv4().size() - 1, " ");
  assert_true(machine.kind_of("192.0.2.7") == AddressKind::unknown);
  assert_true(kind_of_address("192.0.2.7", {"/nowhere", "/nowhere", "/nowhere"}) ==
              AddressKind::unknown);
}

void the_kernels_own_files_can_be_read(void**) {
  assert_true(kind_of_address("127.0.0.1") == AddressKind::own);
  // A documentation address (RFC 5737): this machine may have a route to it or not.
  const AddressKind kind = kind_of_address("203.0.113.77");
  assert_true(kind == AddressKind::remote || kind == AddressKind::unknown ||
              kind == AddressKind::container);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_route_tells_whose_an_address_is),
      cmocka_unit_test(without_a_route_or_a_whole_table_nothing_is_known),
      cmocka_unit_test(the_kernels_own_files_can_be_read),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
