// probe ROOT COMMAND…: the keeper for the tests in Python.
//   make                    makes an empty database
//   export                  opens, which repairs, and prints the document
//   import                  reads a document from standard input
//   add NAME UID, lock NAME, unlock NAME
//   loop SEED               changes accounts at random until it is killed
// Exit status: 0, or 10 and the number of the refusal; its text is on standard error.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/keeper.h"

namespace {

using namespace pamcognito::accounts;

int failed(const Error& error) {
  std::fprintf(stderr, "%s\n", error.text.c_str());
  return 10 + static_cast<int>(error.refusal);
}

template <class T>
int ended(const Result<T>& result) {
  return result ? 0 : failed(result.error());
}

AddOptions with_uid(uid_t uid) {
  AddOptions options;
  options.uid = uid;
  return options;
}

// Names return with uids of their own, chosen at random: a uid that changed would show.
int loop(Keeper& keeper, unsigned seed) {
  std::mt19937 random(seed);
  while (true) {
    const std::string name = "u" + std::to_string(random() % 2000);
    const auto uid = static_cast<uid_t>(0x70000000U + random() % 200'000'000U);
    switch (random() % 8) {
      case 0:
        (void)keeper.lock(name);
        break;
      case 1:
        (void)keeper.unlock(name);
        break;
      case 2:
        (void)keeper.remove(name);
        break;
      case 3:
        (void)keeper.rename(name, "r" + name);
        break;
      case 4:
        (void)keeper.sign_in(
            {{.name = name, .pool = "eu_1", .sub = name, .cognito_groups = {"linux-admins"}}});
        break;
      default:
        if (const auto added = keeper.add(name, with_uid(uid));
            !added && added.error().refusal == Refusal::damaged)
          return failed(added.error());
    }
  }
}

int run(const std::vector<std::string>& words) {
  const std::string& command = words[1];
  auto keeper = Keeper::open(words[0] == "/" ? "" : words[0], command == "make");
  if (!keeper) return failed(keeper.error());
  if (command == "make") return 0;
  if (command == "export") {
    const auto document = keeper->export_json();
    if (document) (void)std::fputs(document->c_str(), stdout);
    return ended(document);
  }
  if (command == "import") {
    const std::string text(std::istreambuf_iterator<char>(std::cin), {});
    return ended(keeper->import_json(text));
  }
  if (command == "lock" && words.size() == 3) return ended(keeper->lock(words[2]));
  if (command == "unlock" && words.size() == 3) return ended(keeper->unlock(words[2]));
  if (command == "add" && words.size() == 4)
    return ended(keeper->add(words[2], with_uid(static_cast<uid_t>(std::stoul(words[3])))));
  if (command == "loop" && words.size() == 3)
    return loop(*keeper, static_cast<unsigned>(std::stoul(words[2])));
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  return run(std::vector<std::string>(argv + 1, argv + argc));
}
