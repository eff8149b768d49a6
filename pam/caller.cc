#include "pam/caller.h"

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <span>
#include <utility>

namespace pamcognito::pam {
namespace {

int message_style(FrameType type) noexcept {
  switch (type) {
    case FrameType::info:
      return PAM_TEXT_INFO;
    case FrameType::error:
      return PAM_ERROR_MSG;
    case FrameType::ask_visible:
      return PAM_PROMPT_ECHO_ON;
    case FrameType::ask_hidden:
    case FrameType::outcome:
    case FrameType::answer:
    case FrameType::abort:
    case FrameType::ack:
    case FrameType::account:
      break;
  }
  return PAM_PROMPT_ECHO_OFF;
}

// The messages of one step. They lie side by side and are pointed to one by one, so that hosts that
// read the argument either way (see pam_conv(3)) find them.
class Messages {
 public:
  void add(const DaemonFrame& frame) noexcept {
    messages_[count_] = {.msg_style = message_style(frame.type), .msg = frame.text.c_str()};
    pointers_[count_] = &messages_[count_];
    ++count_;
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] const pam_message** pointers() noexcept { return pointers_.data(); }

 private:
  std::array<pam_message, 2> messages_{};
  std::array<const pam_message*, 2> pointers_{};
  std::size_t count_ = 0;
};

// What the host answered: an array and strings that it allocated and that are ours to free.
class Responses {
 public:
  Responses() noexcept = default;
  Responses(const Responses&) = delete;
  Responses& operator=(const Responses&) = delete;
  ~Responses();

  // False: the host failed; then it left nothing for us.
  bool fetch(const pam_conv& conversation, Messages& messages);
  // Null: no answer.
  [[nodiscard]] const char* last() const noexcept {
    return responses_ != nullptr ? responses_[count_ - 1].resp : nullptr;
  }

 private:
  pam_response* responses_ = nullptr;
  std::size_t count_ = 0;
};

bool Responses::fetch(const pam_conv& conversation, Messages& messages) {
  pam_response* responses = nullptr;
  const int code = conversation.conv(static_cast<int>(messages.count()), messages.pointers(),
                                     &responses, conversation.appdata_ptr);
  if (code != PAM_SUCCESS) return false;
  responses_ = responses;
  count_ = messages.count();
  return true;
}

Responses::~Responses() {
  if (responses_ == nullptr) return;
  for (pam_response& response : std::span(responses_, count_)) {
    if (response.resp == nullptr) continue;
    wipe({response.resp, std::strlen(response.resp)});
    std::free(response.resp);
  }
  std::free(responses_);
}

}  // namespace

std::expected<Secret, Caller::Error> Caller::ask(const DaemonFrame* notice,
                                                 const DaemonFrame& question) const {
  if (conversation_ == nullptr) return std::unexpected(Error::cannot_answer);
  Messages messages;
  if (notice != nullptr && !silent_) messages.add(*notice);
  messages.add(question);
  Responses responses;
  if (!responses.fetch(*conversation_, messages) || responses.last() == nullptr)
    return std::unexpected(Error::cannot_answer);
  auto answer = Secret::copy_of(responses.last());
  if (!answer) return std::unexpected(Error::too_long);
  return std::move(*answer);
}

void Caller::tell(const DaemonFrame& notice) const {
  if (conversation_ == nullptr || silent_) return;
  Messages messages;
  messages.add(notice);
  Responses responses;
  (void)responses.fetch(*conversation_, messages);
}

}  // namespace pamcognito::pam
