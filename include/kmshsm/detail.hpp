/**
 * @file
 * What kmshsm.hpp is made of; no program needs it.
 */
#ifndef KMSHSM_DETAIL_HPP
#define KMSHSM_DETAIL_HPP

#include <memory>

#include <kmshsm/values.hpp>

namespace kmshsm::detail
{

inline void check(kmshsm_status status)
{
  if(status != KMSHSM_OK)
    throw error(status);
}

/// A handle and its end.
template <class T, void (*end)(const T *)> class owner
{
public:
  explicit owner(const T *handle) noexcept : handle_(handle)
  {
  }
  owner(owner &&other) noexcept
      : handle_(std::exchange(other.handle_, nullptr))
  {
  }
  owner &operator=(owner &&other) noexcept
  {
    if(this != &other) {
      end(handle_);
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~owner()
  {
    end(handle_);
  }

  const T *get() const noexcept
  {
    return handle_;
  }

  /// Ends what is behind the handle. The handle stays, for threads that are
  /// about to use it.
  void close() const noexcept
  {
    end(handle_);
  }

private:
  const T *handle_;
};

/// What call(&answer) hands out.
template <class Call> std::string answer_of(Call call)
{
  char *answer = nullptr;
  kmshsm_status status = call(&answer);
  std::unique_ptr<char, void (*)(char *)> owned(answer, kmshsm_string_free);
  check(status);
  return answer;
}

/// What call(out, capacity, &len) writes: with this room, or with as much as
/// it asks for.
template <class Call>
std::vector<std::uint8_t> output_of(std::size_t room, Call call)
{
  std::vector<std::uint8_t> out(room);
  std::size_t len = 0;
  kmshsm_status status = call(out.data(), out.size(), &len);
  if(status == KMSHSM_ERROR_BUFFER_TOO_SMALL) {
    out.resize(len);
    status = call(out.data(), out.size(), &len);
  }
  check(status);
  out.resize(len);
  return out;
}

} // namespace kmshsm::detail

#endif
