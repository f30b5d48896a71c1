// What the tests of kmshsm.hpp share.
#ifndef WRAPPER_HPP
#define WRAPPER_HPP

#include <kmshsm.hpp>

#include <cstdio>
#include <cstdlib>

using octets = std::vector<std::uint8_t>;
constexpr const char *OAEP = "RSAES_OAEP_SHA_256";
constexpr const char *ECDSA = "ECDSA_SHA_256";
constexpr const char *CONTEXT = R"({"for":"tests"})";
constexpr std::uint32_t LOOSE = KMSHSM_ALLOW_UNPROTECTED_MEMORY;

inline unsigned passed, failed;

inline void is_true(bool condition, const char *what)
{
  ++(condition ? passed : failed);
  std::printf("%sok %u - %s\n", condition ? "" : "not ", passed + failed,
              what);
}

// What a call throws; 0 if it does not.
template <class Call> kmshsm_status thrown(Call call)
{
  try {
    call();
  } catch(const kmshsm::error &error) {
    return error.code();
  }
  return KMSHSM_OK;
}

inline octets octets_of(std::string_view text)
{
  return octets(text.begin(), text.end());
}

// The first text of that name in JSON.
inline std::string field(const std::string &json, const std::string &name)
{
  const std::string before = "\"" + name + "\":\"";
  std::size_t at = json.find(before);
  if(at == std::string::npos)
    return {};
  at += before.size();
  return json.substr(at, json.find('"', at) - at);
}

inline bool has_text(const std::string &json, const char *text)
{
  return json.find(text) != std::string::npos;
}

// A directory that is gone with its owner.
struct folder {
  std::string path = "/tmp/kmshsm-wrapper-XXXXXX";
  folder()
  {
    if(!mkdtemp(path.data()))
      std::abort();
  }
  folder(const folder &) = delete;
  folder &operator=(const folder &) = delete;
  ~folder()
  {
    if(std::system(("rm -r " + path).c_str()))
      std::abort();
  }
};

// A store in memory, a session, and keys.
struct world {
  kmshsm::store store{"memory:", kmshsm::unlock::none(), LOOSE};
  kmshsm::session session = store.session("111122223333", "cn-hongkong");

  std::string key(const char *parameters = nullptr) const
  {
    return field(session.call("CreateKey", parameters), "KeyId");
  }
  std::string version(const std::string &key) const
  {
    return field(
        session.call("ListKeyVersions", R"({"KeyId":")" + key + "\"}"),
        "KeyVersionId");
  }
};

void test_symmetric(const world &w);
void test_asymmetric(const world &w);
void test_import(const world &w);
void test_stores();

#endif
