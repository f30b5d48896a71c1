// The header is C++ too, and may be included twice.
#include <kmshsm.h>
#include <kmshsm.h>

static_assert(sizeof(kmshsm_status) == 4, "a status has 32 bits");

int main()
{
  const kmshsm_store *store = nullptr;
  const kmshsm_digest *digest = nullptr;
  int is_valid = -1;
  kmshsm_status status =
      kmshsm_verify(nullptr, "", "", "", nullptr, 0, nullptr, 0, &is_valid);
  kmshsm_digest_free(digest);
  kmshsm_close(store);
  if(status != KMSHSM_ERROR_NULL_ARGUMENT || is_valid != -1)
    return 1;
  return kmshsm_status_name(KMSHSM_OK) ? 0 : 1;
}
