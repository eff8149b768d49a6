#include <string>

#include "cli/doctor/checks.h"

namespace pamcognito::cli {

Findings check_name_service(const System& system) {
  const Check check{"nsswitch-passwd", "users and groups of this machine are looked up"};
  const auto text = system.read("/etc/nsswitch.conf");
  if (!text) return {check.ok("no /etc/nsswitch.conf: files are the default")};
  for (const char* database : {"passwd:", "group:"}) {
    for (const std::string& line : lines_of(*text)) {
      const auto words = words_of(line);
      if (words.empty() || words[0] != database) continue;
      bool local = false;
      for (const std::string& word : words)
        local = local || word == "files" || word == "compat" || word == "systemd";
      if (!local)
        return {check.fault("`" + line + "` in /etc/nsswitch.conf names no local source",
                            "put `files` first in that line")};
    }
  }
  return {check.ok()};
}

}  // namespace pamcognito::cli
