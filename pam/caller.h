#pragma once

#include <security/pam_modules.h>

#include <cstdint>
#include <expected>

#include "common/frame.h"
#include "common/secret.h"
#include "pam/handle.h"

namespace pamcognito::pam {

// The host program's conversation function: what stands between the module and the person.
class Caller {
 public:
  enum class Error : std::uint8_t {
    cannot_answer,  // no conversation function, it failed, or it gave no answer
    too_long,       // longer than a Secret, or no memory for it
  };

  // `silent`: PAM_SILENT was given; then notices are not shown.
  Caller(const Handle& pam, bool silent) noexcept
      : conversation_(pam.conversation()), silent_(silent) {}

  // One call for the notice (may be null) and the question. Every answer that the host allocated is
  // wiped and freed here.
  std::expected<Secret, Error> ask(const DaemonFrame* notice, const DaemonFrame& question) const;
  // The notice alone. Whether anybody saw it does not matter.
  void tell(const DaemonFrame& notice) const;

 private:
  const pam_conv* conversation_;
  bool silent_;
};

}  // namespace pamcognito::pam
