// The mutator of nss_fuzz: it changes fields of a case, and repairs checksums and order of most
// files, so that changes reach the code behind the checks.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nss/accounts_format.h"
#include "tests/fuzz/nss_case.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max);

namespace {

using namespace nss_fuzz;
using namespace pamcognito::accounts;

constexpr std::array<std::string_view, 16> kNames = {
    "alice.smith", "bob.new", "c_d",  "zoe.new",
    "dora-1",      "e.f",     "_g",   "postgres",
    "systemd-x",   "sudo",    "root", "abuse",
    "a/b",         "Alice",   "zvbi", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
constexpr std::array<std::uint32_t, 18> kNumbers = {
    0,          1,          2,          27,         64,         995,
    65535,      65536,      0x6FFFFFFF, 0x70000000, 0x70000001, 2099999999,
    2100000000, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF};
constexpr std::array<std::string_view, 26> kLines = {"[accounts]\n",
                                                     "[groups]\n",
                                                     "[other]\n",
                                                     "[\n",
                                                     "# comment\n",
                                                     "; comment\n",
                                                     "enumerate = yes\n",
                                                     "enumerate = no\n",
                                                     "enumerate = maybe\n",
                                                     "range = 65536-2147483646\n",
                                                     "range = 1879048192-1879048196\n",
                                                     "range = 80000-70000\n",
                                                     "range = 070000-80000\n",
                                                     "range = 0-4294967295\n",
                                                     "home = /srv/%u/home\n",
                                                     "home = /%u\n",
                                                     "home = /home/a%u\n",
                                                     "home = /home/../%u\n",
                                                     "shells = /bin/zsh /bin/sh\n",
                                                     "shells = bash\n",
                                                     "sshd = /usr/sbin/sshd\n",
                                                     "sudo = a b\n",
                                                     "docker =\n",
                                                     "root = a\n",
                                                     "key = value\n",
                                                     "x\n"};

class Chance {
 public:
  explicit Chance(unsigned seed) : engine_(seed) {}
  // Below `end`, which is not 0.
  std::size_t below(std::size_t end) { return engine_() % end; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  std::uint32_t bits() { return static_cast<std::uint32_t>(engine_()); }
  std::uint64_t wide() { return std::uint64_t{bits()} << 32U | bits(); }
  template <class List>
  auto of(const List& list) {
    return list[below(list.size())];
  }
  std::uint32_t number(std::uint32_t old) {
    switch (below(5)) {
      case 0:
        return bits();
      case 1:
        return old ^ 1U << below(32);
      case 2:
        return old + 1;
      case 3:
        return old - 1;
      default:
        return of(kNumbers);
    }
  }
  std::uint64_t wide_number(std::uint64_t old) {
    switch (below(5)) {
      case 0:
        return wide();
      case 1:
        return old ^ std::uint64_t{1} << below(64);
      case 2:
        return old + of(std::array<std::uint64_t, 4>{1, 8, 64, 4096});
      case 3:
        return old - of(std::array<std::uint64_t, 4>{1, 8, 64, 4096});
      default:
        return of(kNumbers);
    }
  }

 private:
  std::minstd_rand engine_;
};

void set_name(char (&field)[kMaxName], std::string_view name) {
  std::memset(field, 0, kMaxName);
  std::memcpy(field, name.data(), std::min(name.size(), kMaxName));
}

// The tables of a file whose header has the usual layout; empty if the file is too small for them.
struct Tables {
  Header header{};
  std::vector<GroupRecord> groups;
  std::vector<UserRecord> users;
  std::vector<UidEntry> uids;
  std::vector<std::uint32_t> by_name;  // directories
  std::vector<std::uint32_t> by_uid;
  std::string members;
  bool good = false;
};

template <class Record>
void take(std::string_view file, std::uint64_t at, std::size_t count, std::vector<Record>& to) {
  to.resize(count);
  if (count > 0) std::memcpy(to.data(), file.data() + at, count * sizeof(Record));
}

Tables tables_of(std::string_view file) {
  Tables tables;
  if (file.size() < sizeof(Header)) return tables;
  std::memcpy(&tables.header, file.data(), sizeof(Header));
  Header plan = tables.header;
  if (plan.user_count > 1000 || plan.group_count > kMaxGroups || plan.directory_bits == 0 ||
      plan.directory_bits > 8)
    return tables;
  lay_out(plan, 0);
  if (plan.members_offset > file.size()) return tables;
  const std::size_t places = (std::size_t{1} << plan.directory_bits) + 1;
  take(file, plan.groups_offset, plan.group_count, tables.groups);
  take(file, plan.users_offset, plan.user_count, tables.users);
  take(file, plan.name_directory_offset, places, tables.by_name);
  take(file, plan.uids_offset, plan.user_count, tables.uids);
  take(file, plan.uid_directory_offset, places, tables.by_uid);
  tables.members = file.substr(plan.members_offset);
  tables.good = true;
  return tables;
}

template <class Record>
void put(std::string& file, const std::vector<Record>& from) {
  file.append(reinterpret_cast<const char*>(from.data()), from.size() * sizeof(Record));
  file.resize(padded(file.size()));
}

std::string file_of(const Tables& tables) {
  std::string file(reinterpret_cast<const char*>(&tables.header), sizeof(Header));
  put(file, tables.groups);
  put(file, tables.users);
  put(file, tables.by_name);
  put(file, tables.uids);
  put(file, tables.by_uid);
  return file + tables.members;
}

template <class Record, class Key>
std::vector<std::uint32_t> directory(const std::vector<Record>& records, unsigned bits, Key key) {
  std::vector<std::uint32_t> bounds((std::size_t{1} << bits) + 1);
  for (const Record& record : records) ++bounds[(key(record) >> (64 - bits)) + 1];
  for (std::size_t i = 1; i < bounds.size(); ++i) bounds[i] += bounds[i - 1];
  return bounds;
}

// Sorts the users, and makes uids and directories of them.
void arrange(Tables& tables) {
  const std::uint64_t seed = tables.header.seed;
  const unsigned bits = tables.header.directory_bits;
  const auto by_name = [seed](const UserRecord& user) {
    return name_key(seed, user.name, ::strnlen(user.name, kMaxName));
  };
  const auto by_uid = [seed](const UidEntry& entry) { return uid_key(seed, entry.uid); };
  std::ranges::sort(tables.users, {}, by_name);
  tables.header.user_count = static_cast<std::uint32_t>(tables.users.size());
  tables.uids.clear();
  for (std::uint32_t i = 0; i < tables.users.size(); ++i)
    tables.uids.push_back({tables.users[i].uid, i, 0});
  std::ranges::sort(tables.uids, {}, by_uid);
  tables.by_name = directory(tables.users, bits, by_name);
  tables.by_uid = directory(tables.uids, bits, by_uid);
}

// Sets lists and their fields in each group.
void list_members(Tables& tables, Chance& chance) {
  tables.members.clear();
  for (std::size_t g = 0; g < tables.groups.size(); ++g) {
    GroupRecord& group = tables.groups[g];
    group.members_start = tables.members.size();
    group.member_count = 0;
    const std::size_t most = chance.one_in(40) ? kMaxMembers + 1 : tables.users.size();
    for (std::size_t u = 0; u < most && group.member_count < 70; ++u) {
      if (most == tables.users.size() && (tables.users[u].groups >> g & 1U) == 0) continue;
      const std::string_view name =
          most == tables.users.size()
              ? std::string_view(tables.users[u].name, ::strnlen(tables.users[u].name, kMaxName))
              : "u";
      tables.members.append(name).push_back('\0');
      ++group.member_count;
    }
    group.members_bytes = static_cast<std::uint32_t>(tables.members.size() - group.members_start);
  }
}

void repair(Tables& tables) {
  const std::uint64_t generation = tables.header.generation;
  for (std::uint32_t i = 0; i < tables.groups.size(); ++i) {
    GroupRecord& group = tables.groups[i];
    const std::size_t start = std::min<std::size_t>(group.members_start, tables.members.size());
    const std::size_t size =
        std::min<std::size_t>(group.members_bytes, tables.members.size() - start);
    group.members_checksum =
        members_checksum_of(generation, i, tables.members.data() + start, size);
    group.checksum = checksum_of(generation, i, group);
  }
  for (std::uint32_t i = 0; i < tables.users.size(); ++i)
    tables.users[i].checksum = checksum_of(generation, i, tables.users[i]);
  for (std::uint32_t i = 0; i < tables.uids.size(); ++i)
    tables.uids[i].checksum = checksum_of(generation, i, tables.uids[i]);
  lay_out(tables.header, tables.members.size());
  tables.header.checksum = checksum_of(tables.header);
}

UserRecord any_user(Chance& chance, std::size_t group_count) {
  UserRecord user{};
  set_name(user.name, chance.one_in(2) ? std::string(chance.of(kNames))
                                       : "u." + std::to_string(chance.below(500)));
  user.uid = chance.one_in(4) ? chance.of(kNumbers) : 0x70000000 + chance.bits() % 1000;
  user.state = chance.one_in(5) ? 2 : 1;
  constexpr std::string_view kShell = "/bin/sh";
  user.shell = chance.one_in(2) ? 0 : path_key(kShell.data(), kShell.size());
  user.groups = group_count == kMaxGroups ? chance.wide()
                                          : chance.wide() & ((std::uint64_t{1} << group_count) - 1);
  return user;
}

Tables any_tables(Chance& chance) {
  Tables tables;
  Header& header = tables.header;
  header.magic = kMagic;
  header.version = kVersion;
  header.header_size = sizeof(Header);
  header.generation = chance.below(3);
  header.seed = chance.wide();
  header.directory_bits = 1 + static_cast<std::uint32_t>(chance.below(3));
  const std::size_t groups = chance.one_in(12) ? kMaxGroups : chance.below(4);
  for (std::size_t i = 0; i < groups; ++i) {
    GroupRecord group{};
    set_name(group.name, i == 0 ? "sudo" : i == 1 ? "docker" : "g" + std::to_string(i));
    group.gid = i == 0 ? 27 : i == 1 ? 995 : 2000 + static_cast<std::uint32_t>(i);
    tables.groups.push_back(group);
  }
  header.group_count = static_cast<std::uint32_t>(groups);
  // With one bit, about 60 users are at the limit of a bucket.
  const std::size_t users = chance.one_in(10) ? 50 + chance.below(25) : chance.below(12);
  if (users > 12) header.directory_bits = 1;
  for (std::size_t i = 0; i < users; ++i) tables.users.push_back(any_user(chance, groups));
  arrange(tables);
  list_members(tables, chance);
  tables.good = true;
  return tables;
}

void change_user(UserRecord& user, Chance& chance) {
  switch (chance.below(6)) {
    case 0:
      set_name(user.name, chance.of(kNames));
      break;
    case 1:
      user.name[chance.below(kMaxName)] = static_cast<char>(chance.bits());
      break;
    case 2:
      user.uid = chance.number(user.uid);
      break;
    case 3:
      user.state = chance.one_in(2) ? chance.number(user.state)
                                    : static_cast<std::uint32_t>(1 + chance.below(2));
      break;
    case 4:
      user.shell = chance.wide_number(user.shell);
      break;
    default:
      user.groups = chance.wide_number(user.groups);
      break;
  }
}

void change_group(GroupRecord& group, Chance& chance) {
  switch (chance.below(7)) {
    case 0:
      set_name(group.name, chance.of(kNames));
      break;
    case 1:
      group.name[chance.below(kMaxName)] = static_cast<char>(chance.bits());
      break;
    case 2:
      group.gid = chance.number(group.gid);
      break;
    case 3:
      group.member_count = chance.number(group.member_count);
      break;
    case 4:
      group.members_start = chance.wide_number(group.members_start);
      break;
    case 5:
      group.members_bytes = chance.number(group.members_bytes);
      break;
    default:
      group.zero = chance.number(group.zero);
      break;
  }
}

void change_header(Header& header, Chance& chance) {
  std::array<std::uint32_t Header::*, 6> narrow = {&Header::version,        &Header::header_size,
                                                   &Header::user_count,     &Header::group_count,
                                                   &Header::directory_bits, &Header::zero};
  std::array<std::uint64_t Header::*, 10> wide = {
      &Header::magic,         &Header::generation,           &Header::seed,
      &Header::groups_offset, &Header::users_offset,         &Header::name_directory_offset,
      &Header::uids_offset,   &Header::uid_directory_offset, &Header::members_offset,
      &Header::file_size};
  if (chance.one_in(8)) {
    header.reserved[chance.below(2)] = chance.wide();
  } else if (chance.one_in(2)) {
    std::uint32_t& field = header.*chance.of(narrow);
    field = chance.number(field);
  } else {
    std::uint64_t& field = header.*chance.of(wide);
    field = chance.wide_number(field);
  }
}

template <class Record>
void change_places(std::vector<Record>& records, Chance& chance) {
  if (records.size() > 1)
    std::swap(records[chance.below(records.size())], records[chance.below(records.size())]);
}

// Changes the file's parts; most changes are followed by repairs.
void change_file(std::string& file, Chance& chance) {
  Tables tables = chance.one_in(20) ? any_tables(chance) : tables_of(file);
  if (!tables.good) tables = any_tables(chance);
  bool in_order = chance.one_in(2);
  switch (chance.below(10)) {
    case 0:
    case 1:
    case 2:
      if (!tables.users.empty())
        change_user(tables.users[chance.below(tables.users.size())], chance);
      break;
    case 3:
      if (!tables.groups.empty())
        change_group(tables.groups[chance.below(tables.groups.size())], chance);
      break;
    case 4:
      if (!tables.uids.empty()) {
        UidEntry& entry = tables.uids[chance.below(tables.uids.size())];
        std::uint32_t& field = chance.one_in(2) ? entry.uid : entry.record;
        field = chance.number(field);
        in_order = false;
      }
      break;
    case 5: {
      auto& bounds = chance.one_in(2) ? tables.by_name : tables.by_uid;
      std::uint32_t& bound = bounds[chance.below(bounds.size())];
      bound = chance.number(bound);
      in_order = false;
      break;
    }
    case 6:
      change_places(tables.users, chance);
      change_places(tables.uids, chance);
      break;
    case 7:
      if (tables.users.size() < 100) {
        tables.users.push_back(any_user(chance, tables.groups.size()));
        in_order = true;
      }
      break;
    case 8:
      if (!tables.members.empty())
        tables.members[chance.below(tables.members.size())] =
            static_cast<char>(chance.one_in(2) ? chance.bits() : 0);
      break;
    default:
      tables.members +=
          chance.one_in(2) ? std::string("u\0", 2) : std::string(chance.below(3), 'x');
      break;
  }
  if (in_order) {
    arrange(tables);
    if (chance.one_in(2)) list_members(tables, chance);
  }
  if (!chance.one_in(8)) repair(tables);
  if (chance.one_in(8)) {
    change_header(tables.header, chance);
    if (!chance.one_in(4)) tables.header.checksum = checksum_of(tables.header);
  }
  file = file_of(tables);
  if (chance.one_in(20))
    file.resize(chance.one_in(2) ? chance.below(file.size() + 1) : file.size() + chance.below(9));
  if (chance.one_in(20) && !file.empty())
    file[chance.below(file.size())] ^= static_cast<char>(1U << chance.below(8));
}

void change_bytes(std::string& text, std::size_t most) {
  const std::size_t size = std::min(text.size(), most);
  text.resize(most);
  text.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(text.data()), size, most));
}

void change_conf(std::string& conf, Chance& chance) {
  switch (chance.below(7)) {
    case 0:
      conf = "[groups]\nsudo = a\ndocker = b\n";
      break;
    case 1:
      conf = "[groups]\n";
      for (std::size_t i = chance.below(3); i < kMaxGroups + chance.below(3); ++i)
        conf += "g" + std::to_string(i) + "=\n";
      break;
    case 2:
      change_bytes(conf, 512);
      break;
    case 3:
      conf.clear();
      break;
    case 4:
      conf.append(chance.one_in(10) ? std::size_t{8193} : std::size_t{3}, '#');
      break;
    default:
      conf.insert(chance.one_in(2) ? conf.size()
                  : conf.empty()   ? 0
                                   : conf.find('\n') + 1,
                  chance.of(kLines));
      break;
  }
}

Question any_question(const std::string& file, Chance& chance) {
  Question question{};
  question.kind = static_cast<std::uint8_t>(chance.below(kKinds));
  question.gap = static_cast<std::uint8_t>(chance.below(8));
  question.limit = chance.one_in(2) ? 0 : static_cast<std::uint8_t>(chance.below(8));
  question.present = chance.one_in(2) ? 0 : static_cast<std::uint8_t>(chance.below(5));
  question.size = static_cast<std::uint16_t>(chance.one_in(3) ? chance.below(160) : 8192);
  question.id = chance.number(0x70000000);
  question.primary = chance.one_in(2) ? 0xFFFFFFFF : chance.number(0x70000000);
  set_name(reinterpret_cast<char(&)[kMaxName]>(question.name), chance.of(kNames));
  const Tables tables = tables_of(file);
  if (!tables.users.empty() && !chance.one_in(6)) {
    const UserRecord& user = chance.of(tables.users);
    std::memcpy(question.name.data(), user.name, kMaxName);
    question.id = user.uid;
    if (chance.one_in(2)) question.primary = user.uid;
  }
  if (!tables.groups.empty() && chance.one_in(4)) {
    const GroupRecord& group = chance.of(tables.groups);
    if (question.kind != static_cast<std::uint8_t>(Kind::initgroups))
      std::memcpy(question.name.data(), group.name, kMaxName);
    question.id = group.gid;
  }
  return question;
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max, unsigned seed) {
  Chance chance(seed);
  Case one = parse(data, size);
  switch (chance.below(12)) {
    case 0:
      change_conf(one.conf, chance);
      break;
    case 1:
      one.fault = static_cast<std::uint8_t>(chance.below(kFaults));
      one.fault_at = static_cast<std::uint8_t>(chance.bits());
      break;
    case 2:
      change_bytes(one.file, std::min<std::size_t>(max, 4096));
      break;
    case 3:
      if (!one.questions.empty() && chance.one_in(2))
        one.questions.erase(one.questions.begin());
      else
        one.conf = "[accounts]\nenumerate = yes\n" + one.conf;
      break;
    case 4:
    case 5:
    case 6:
      break;  // questions alone
    default:
      change_file(one.file, chance);
      break;
  }
  while (one.questions.size() < kMaxQuestions && (one.questions.empty() || chance.one_in(2)))
    one.questions.push_back(any_question(one.file, chance));
  one.questions[chance.below(one.questions.size())] = any_question(one.file, chance);
  const std::string bytes = bytes_of(one);
  if (bytes.size() > max) return size;
  std::memcpy(data, bytes.data(), bytes.size());
  return bytes.size();
}
