#pragma once

#include <security/pam_modules.h>

#include <memory>

namespace pamcognito::pam {

// Values of ours in PAM data: they live as long as the transaction, and nobody but this module
// finds them. `name` has static storage and stands for one type.

namespace internal {

// libpam calls this with C linkage when the data is replaced and at pam_end(), which a forked child
// of the host may call too: what is stored must not speak to anybody when it is destroyed.
template <class T>
void delete_data(pam_handle_t* /*pamh*/, void* data, int /*status*/) noexcept {
  delete static_cast<T*>(data);
}

}  // namespace internal

// Replaces what is there. False: libpam refused; then `value` is destroyed.
template <class T>
[[nodiscard]] bool store_data(pam_handle_t* pamh, const char* name,
                              std::unique_ptr<T> value) noexcept {
  if (::pam_set_data(pamh, name, value.get(), &internal::delete_data<T>) != PAM_SUCCESS)
    return false;
  [[maybe_unused]] const auto* given_to_libpam = value.release();
  return true;
}

// Null: nothing is stored. Valid until it is replaced or forgotten.
template <class T>
[[nodiscard]] T* find_data(pam_handle_t* pamh, const char* name) noexcept {
  const void* present = nullptr;
  if (::pam_get_data(pamh, name, &present) != PAM_SUCCESS) return nullptr;
  // It was ours, and not const, when libpam got it.
  return static_cast<T*>(const_cast<void*>(present));
}

template <class T>
void forget_data(pam_handle_t* pamh, const char* name) noexcept {
  // Not set where there is nothing to forget: libpam would keep an entry for it.
  if (find_data<T>(pamh, name) != nullptr) (void)::pam_set_data(pamh, name, nullptr, nullptr);
}

}  // namespace pamcognito::pam
