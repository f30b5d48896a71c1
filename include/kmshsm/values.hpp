/**
 * @file
 * What kmshsm.hpp takes and gives: failures, bytes, texts, data keys.
 */
#ifndef KMSHSM_VALUES_HPP
#define KMSHSM_VALUES_HPP

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <kmshsm.h>

// What a view is made of must outlive it: clang warns where it does not.
#ifdef __has_cpp_attribute
#if __has_cpp_attribute(clang::lifetimebound)
#define KMSHSM_LIFETIMEBOUND [[clang::lifetimebound]]
#endif
#endif
#ifndef KMSHSM_LIFETIMEBOUND
#define KMSHSM_LIFETIMEBOUND
#endif

/// The C++ interface.
namespace kmshsm
{

/// A failure of the library.
class error : public std::runtime_error
{
public:
  /// Of this thread's last call, whose text is kmshsm_last_error().
  explicit error(kmshsm_status code)
      : std::runtime_error(kmshsm_last_error()), code_(code)
  {
  }

  /// With a text of one's own.
  error(kmshsm_status code, const char *what)
      : std::runtime_error(what), code_(code)
  {
  }

  /// The number, one of KMSHSM_ERROR_*.
  kmshsm_status code() const noexcept
  {
    return code_;
  }

  /// The family: 1 argument, 2 access, 3 not found, 4 state, 5 cryptography, 6
  /// store, 9 internal.
  kmshsm_status family() const noexcept
  {
    return code_ / 100;
  }

  /// The API's code, such as "Rejected.Disabled".
  const char *name() const noexcept
  {
    return kmshsm_status_name(code_);
  }

  /// The HTTP status that the service answers with it.
  int http_status() const noexcept
  {
    return kmshsm_status_http(code_);
  }

private:
  kmshsm_status code_;
};

/// Bytes that somebody else owns, for the length of a call: a std::vector,
/// std::array, std::span, std::string or std::string_view of one-byte
/// elements, an array, or a pointer and a length.
class bytes
{
  template <class Range>
  using element = std::remove_cv_t<
      std::remove_pointer_t<decltype(std::declval<const Range &>().data())>>;
  template <class T>
  static constexpr bool is_octet =
      std::is_same_v<T, std::uint8_t> || std::is_same_v<T, char> ||
      std::is_same_v<T, std::byte>;

public:
  /// None.
  constexpr bytes() noexcept = default;

  /// size of them; data may be NULL if that is 0.
  constexpr bytes(const std::uint8_t *data, std::size_t size) noexcept
      : data_(data), size_(size)
  {
  }

  /// Those of an array.
  template <std::size_t size>
  constexpr bytes(const std::uint8_t (&data)[size]) noexcept
      : data_(data), size_(size)
  {
  }

  /// Not of a buffer of char: is it a text, or all of the array? Say which,
  /// with std::string_view.
  template <std::size_t size> bytes(char (&)[size]) = delete;

  /// Those of a text that ends with NUL, without that.
  bytes(const char *text) noexcept
      : bytes(text ? std::string_view(text) : std::string_view())
  {
  }

  /// Those of a container that has data() and size().
  template <class Range, class = std::enable_if_t<is_octet<element<Range>>>>
  bytes(const Range &range KMSHSM_LIFETIMEBOUND) noexcept
      : data_(reinterpret_cast<const std::uint8_t *>(range.data())),
        size_(range.size())
  {
  }

  /// Where they are.
  constexpr const std::uint8_t *data() const noexcept
  {
    return data_;
  }

  /// How many they are.
  constexpr std::size_t size() const noexcept
  {
    return size_;
  }

private:
  const std::uint8_t *data_ = nullptr;
  std::size_t size_ = 0;
};

/// A text in UTF-8 that somebody else owns, for the length of a call; or none,
/// where that may be.
class text
{
public:
  /// None.
  constexpr text(std::nullptr_t) noexcept
  {
  }

  /// One that ends with NUL; NULL is none.
  constexpr text(const char *text) noexcept : text_(text)
  {
  }

  /// That of a string. InvalidParameter if it holds a NUL: the library would
  /// read half of it.
  text(const std::string &text KMSHSM_LIFETIMEBOUND) : text_(text.c_str())
  {
    if(text.find('\0') != std::string::npos)
      throw error(KMSHSM_ERROR_INVALID_PARAMETER,
                  "InvalidParameter: A text holds a NUL.");
  }

  /// As C takes it.
  constexpr const char *c_str() const noexcept
  {
    return text_;
  }

private:
  const char *text_ = nullptr;
};

/// Overwrites bytes and empties the vector.
inline void wipe(std::vector<std::uint8_t> &secret) noexcept
{
  volatile std::uint8_t *at = secret.data();
  for(std::size_t left = secret.size(); left > 0; left--)
    *at++ = 0;
  secret.clear();
}

/// Overwrites the characters and empties the string.
inline void wipe(std::string &secret) noexcept
{
  volatile char *at = secret.data();
  for(std::size_t left = secret.size(); left > 0; left--)
    *at++ = 0;
  secret.clear();
}

/// What opens a store. It is a view of the secret, and lives no longer than
/// that.
struct unlock {
  std::uint32_t kind; ///< one of KMSHSM_UNLOCK_*
  bytes secret;       ///< which the caller wipes

  /// Nothing: a store in memory.
  static unlock none() noexcept
  {
    return {KMSHSM_UNLOCK_NONE, {}};
  }

  /// A passphrase.
  static unlock passphrase(bytes secret KMSHSM_LIFETIMEBOUND) noexcept
  {
    return {KMSHSM_UNLOCK_PASSPHRASE, secret};
  }

  /// The 32 bytes of a key file.
  static unlock key_file(bytes secret KMSHSM_LIFETIMEBOUND) noexcept
  {
    return {KMSHSM_UNLOCK_KEY_FILE, secret};
  }

  /// Shares in words, one on each line.
  static unlock shares(bytes secret KMSHSM_LIFETIMEBOUND) noexcept
  {
    return {KMSHSM_UNLOCK_SHARES, secret};
  }
};

/// A data key, which is wiped with its owner.
struct data_key {
  std::vector<std::uint8_t> plaintext;  ///< the key
  std::vector<std::uint8_t> ciphertext; ///< the same, encrypted: for decrypt()

  /// Takes both over.
  data_key(std::vector<std::uint8_t> plaintext_,
           std::vector<std::uint8_t> ciphertext_) noexcept
      : plaintext(std::move(plaintext_)), ciphertext(std::move(ciphertext_))
  {
  }
  /// Leaves the other one empty.
  data_key(data_key &&other) noexcept = default;
  /// Wipes the one that was here, and leaves the other one empty.
  data_key &operator=(data_key &&other) noexcept
  {
    if(this != &other) {
      wipe(plaintext);
      plaintext = std::exchange(other.plaintext, {});
      ciphertext = std::exchange(other.ciphertext, {});
    }
    return *this;
  }
  /// Wipes the key.
  ~data_key()
  {
    wipe(plaintext);
  }
};

/// A data key that its maker does not see.
struct exported_key {
  std::vector<std::uint8_t> ciphertext; ///< under the key: for decrypt()
  std::vector<std::uint8_t> exported;   ///< under the public key
};

/// What key material is wrapped with and imported by.
struct import_parameters {
  std::vector<std::uint8_t> public_key; ///< DER SubjectPublicKeyInfo
  std::vector<std::uint8_t> token;      ///< for import_key_material()
  std::uint64_t expires_unix;           ///< when both expire, in Unix seconds
};

/// How the self-tests ended.
struct self_test_report {
  bool passed;      ///< all of them
  std::string json; ///< what kmshsm_self_test() answers
};

/// What the standards say of a call: last_indicator().
enum class indicator : std::int32_t {
  none = KMSHSM_INDICATOR_NONE,         ///< it did no cryptography, or failed
  approved = KMSHSM_INDICATOR_APPROVED, ///< all that it did is approved
  not_approved = KMSHSM_INDICATOR_NOT_APPROVED ///< something is not
};

} // namespace kmshsm

#endif
