#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/failure.h"

// The record of what `cognitoctl setup` changed, and the way back. Before each change setup writes
// one line to a log on disk, with a copy of the file that it is going to replace. So every change
// can be taken back: after a failure, after a signal, after the end of the process at any moment,
// and on `setup --undo`. A line may be in the log without its change; taking it back then changes
// nothing.
namespace pamcognito::cli {

class UndoLog {
 public:
  enum class State : std::uint8_t {
    none,        // setup has changed nothing
    unfinished,  // the last run did not reach its end
    finished,
  };
  enum class Scope : std::uint8_t { last_run, everything };

  // The result of taking changes back.
  struct Undone {
    std::vector<std::string> files;     // that are as before
    std::vector<std::string> groups;    // that setup created, for the caller to remove
    std::vector<std::string> services;  // that read these files, for the caller to start again
  };

  // root: prefix of every path; empty: this machine.
  explicit UndoLog(std::string root);

  [[nodiscard]] State state() const;
  // A run has reached its end, and was not undone.
  [[nodiscard]] bool has_finished() const;

  // Begins a run. The directory of the log is root's alone.
  [[nodiscard]] Result<void> begin() const;
  // Each of these is called before the change. `path` has no prefix. A symbolic link and anything
  // else but a regular file is refused; so is a file above 256 KiB, which no file of setup reaches.
  [[nodiscard]] Result<void> keep_file(const std::string& path) const;
  [[nodiscard]] Result<void> note_group(const std::string& name) const;
  [[nodiscard]] Result<void> note_service(const std::string& name) const;
  // The run has reached its end. Notes the content of each file that it changed.
  [[nodiscard]] Result<void> finish() const;

  // Brings the files of the last run, or of all runs, back: content, mode, owner, or absence. If
  // the last run is finished and a file has changed since, nothing is brought back, and the error
  // names the file. After an error the log stays, so that the same call can be repeated.
  [[nodiscard]] Result<Undone> undo(Scope scope) const;
  // Forgets what undo() took back; called once groups and services are done, too.
  [[nodiscard]] Result<void> forget(Scope scope) const;

 private:
  [[nodiscard]] std::vector<std::string> lines() const;
  [[nodiscard]] Result<void> append(const std::string& line) const;
  [[nodiscard]] Result<void> bring_back(const std::string& line) const;
  // Size and checksum of the file's content, or "absent".
  [[nodiscard]] std::string print_of(const std::string& path) const;

  std::string root_;
  std::string directory_;
};

// Writes the file under another name in its directory, and renames it: a reader gets the old
// content or the new one. Both are on disk when this returns. `path` is the whole path.
[[nodiscard]] Result<void> replace_file(const std::string& path, const std::string& text,
                                        unsigned mode, unsigned owner, unsigned group);

}  // namespace pamcognito::cli
