// What kmshsm.hpp promises: every function does what that of C does, failures
// are exceptions, owners can be moved and end what they own. TAP on stdout.
#include "wrapper.hpp"
#include <kmshsm.hpp> // twice on purpose

#include <array>
#include <cstring>
#include <thread>
#if __cplusplus >= 202002L
#include <span>
#endif

namespace
{

static_assert(!std::is_copy_constructible_v<kmshsm::store>);
static_assert(!std::is_copy_assignable_v<kmshsm::session>);
static_assert(!std::is_copy_constructible_v<kmshsm::data_key>);
static_assert(std::is_nothrow_move_constructible_v<kmshsm::store>);
static_assert(std::is_nothrow_move_assignable_v<kmshsm::session>);
static_assert(std::is_nothrow_move_constructible_v<kmshsm::digest>);
static_assert(std::is_nothrow_move_assignable_v<kmshsm::data_key>);
static_assert(std::is_nothrow_destructible_v<kmshsm::store>);
// Only bytes are bytes.
static_assert(!std::is_convertible_v<std::vector<int>, kmshsm::bytes>);
static_assert(std::is_convertible_v<std::vector<std::byte>, kmshsm::bytes>);

void test_views()
{
  const std::array<std::uint8_t, 3> array = {1, 2, 3};
  const std::uint8_t plain[2] = {4, 5};
  const std::vector<std::byte> cpp(4);
  const std::string text("a\0b", 3);
  is_true(kmshsm::bytes(array).size() == 3, "bytes of a std::array");
  is_true(kmshsm::bytes(plain).size() == 2, "of an array");
  is_true(kmshsm::bytes(cpp).size() == 4, "of std::byte");
  is_true(kmshsm::bytes(text).size() == 3, "of a string that holds a NUL");
  is_true(kmshsm::bytes("abc").size() == 3, "of a literal, without its NUL");
  is_true(kmshsm::bytes(std::string_view("ab")).size() == 2, "of a view");
  is_true(kmshsm::bytes().size() == 0 && !kmshsm::bytes().data(), "of none");
  is_true(kmshsm::bytes(static_cast<const char *>(nullptr)).size() == 0,
          "and of no text");
#if __cplusplus >= 202002L
  is_true(kmshsm::bytes(std::span(array)).data() == array.data(),
          "bytes of a std::span");
#endif
  is_true(!kmshsm::text(nullptr).c_str(), "no text is NULL");
  is_true(thrown([&] { kmshsm::text{text}; }) ==
              KMSHSM_ERROR_INVALID_PARAMETER,
          "a text that holds a NUL is refused, not cut");
  octets secret(16, 7);
  kmshsm::wipe(secret);
  is_true(secret.empty(), "what is wiped is empty");
}

void test_errors()
{
  try {
    kmshsm::store store("/nonexistent/store",
                        kmshsm::unlock::passphrase("secret"));
    is_true(false, "a store that is not there is thrown");
  } catch(const kmshsm::error &error) {
    is_true(error.code() == KMSHSM_ERROR_STORE_NOT_FOUND &&
                error.family() == 3,
            "a store that is not there is thrown");
    is_true(!std::strcmp(error.name(), "Store.NotFound"), "with its name");
    is_true(error.http_status() == 404, "its HTTP status");
    is_true(!std::strncmp(error.what(), error.name(), 14), "and its text");
  }
  is_true(kmshsm_status_http(KMSHSM_OK) == 200 &&
              kmshsm_status_http(KMSHSM_ERROR_NO_PERMISSION) == 403 &&
              kmshsm_status_http(99999) == 500,
          "HTTP statuses of successes, failures and no status");
  world w;
  try {
    w.session.call("NoSuchAction");
    is_true(false, "an action that is not there is thrown");
  } catch(const std::exception &error) {
    is_true(!std::strncmp(error.what(), "InvalidAction.NotFound", 22),
            "an action that is not there is thrown, as a std::exception");
  }
}

void test_owners()
{
  world w;
  const std::string key = w.key();
  kmshsm::session moved = std::move(w.session);
  is_true(!moved.encrypt(key, "x").empty(), "a session moves");
  is_true(!w.session.get() && // NOLINT
              thrown([&] { (void)w.session.random(1); }) ==
                  KMSHSM_ERROR_NULL_ARGUMENT,
          "what it was moved from is refused");
  const kmshsm_session *before = moved.get();
  moved = w.store.session("111122223333", "cn-hangzhou");
  std::uint8_t byte;
  std::size_t len;
  is_true(kmshsm_random(before, 1, &byte, 1, &len) == KMSHSM_ERROR_CLOSED,
          "what is assigned to ends first");
  kmshsm::session &same = moved;
  moved = std::move(same);
  is_true(moved.random(1).size() == 1, "and survives itself");
  moved.close();
  moved.close();
  is_true(thrown([&] { (void)moved.random(1); }) == KMSHSM_ERROR_CLOSED,
          "a closed session is closed, twice, too");
  const kmshsm_store *raw = nullptr;
  {
    kmshsm::store store("memory:?clock=manual", kmshsm::unlock::none(), LOOSE);
    raw = store.get();
    moved = store.session("111122223333", "cn-hongkong");
  }
  is_true(kmshsm_flush(raw) == KMSHSM_ERROR_CLOSED,
          "a store that is destroyed is closed");
  is_true(thrown([&] { (void)moved.random(1); }) == KMSHSM_ERROR_CLOSED,
          "and its sessions are, which may outlive it");
  kmshsm::digest digest(nullptr);
  is_true(thrown([&] { digest.update("x"); }) == KMSHSM_ERROR_NULL_ARGUMENT,
          "a digest of nothing");
  digest.close();
  w.store.close();
}

void test_threads()
{
  const world w;
  const std::string key = w.key();
  std::array<unsigned, 8> wrong{};
  std::vector<std::thread> threads;
  for(unsigned &mine : wrong)
    threads.emplace_back([&w, &key, &mine] {
      for(int round = 0; round < 50; round++)
        mine += w.session.decrypt(w.session.encrypt(key, "hello")) !=
                octets_of("hello");
      mine += thrown([&] { (void)w.session.decrypt("x"); }) !=
              KMSHSM_ERROR_INVALID_CIPHERTEXT;
    });
  for(std::thread &thread : threads)
    thread.join();
  is_true(wrong == std::array<unsigned, 8>{}, "threads share a session");
  std::thread user([&w, &key, &wrong] {
    while(thrown([&] { (void)w.session.encrypt(key, "x"); }) == KMSHSM_OK)
      ;
    wrong[0] = 1;
  });
  w.session.close();
  user.join();
  is_true(wrong[0] == 1, "one that is closed under a thread is refused");
}

void test_module()
{
  const kmshsm::self_test_report report = kmshsm::self_test();
  is_true(report.passed && has_text(report.json, "\"passed\":true"),
          "self-tests");
  is_true(!std::strncmp(kmshsm::version(), "0.1.0", 5) &&
              kmshsm::version_number() == KMSHSM_VERSION_NUMBER,
          "the version is the header's");
  is_true(kmshsm::has("CreateKey") && kmshsm::has("Aliyun_SM4") &&
              !kmshsm::has("sm5") && !kmshsm::has(nullptr),
          "what the library has, and has not");
  is_true(thrown([] { kmshsm::set_key_memory(1 << 20); }) ==
              KMSHSM_ERROR_INVALID_PARAMETER,
          "key memory is set before all else");
  const world w;
  kmshsm::zeroize();
  is_true(thrown([&] { (void)w.session.random(1); }) == KMSHSM_ERROR_CLOSED,
          "all is zeroized");
}

} // namespace

int main()
{
  kmshsm::set_key_memory(2 << 20);
  test_views();
  test_errors();
  {
    const world w;
    test_symmetric(w);
    test_asymmetric(w);
    test_import(w);
  }
  test_stores();
  test_owners();
  test_threads();
  test_module();
  std::printf("1..%u\n%u passed, %u failed\n", passed + failed, passed,
              failed);
  return failed ? 1 : 0;
}
