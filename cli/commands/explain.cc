#include "cli/commands/commands.h"
#include "cli/explain/journal.h"
#include "cli/explain/story.h"
#include "common/hexadecimal.h"

namespace pamcognito::cli {

ExitCode explain(const Context& context, const ExplainOptions& options) {
  const Output& out = context.out;
  if (!is_log_id(options.id))
    return out.fail({ExitCode::usage, "not-an-id",
                     "an id has 16 hexadecimal digits: look for id=… in a line of "
                     "journalctl -t cognitod"});
  const auto entries = journal_of(options.id, options.file);
  if (!entries) return out.fail({ExitCode::failed, "journal", entries.error()});
  if (entries->empty())
    return out.fail({ExitCode::not_found, "no-lines",
                     "the journal of the last seven days has no line with this id, or you may not "
                     "read it: try as root"});
  const auto events = events_of(*entries);
  out.object(story_to_json(options.id, events));
  tell(out, options.id, events);
  return ExitCode::ok;
}

}  // namespace pamcognito::cli
