/* Automatic rotation, in a store in memory whose clock is moved by hand: a key
 * gets a new version when its interval is over, what was encrypted before
 * still opens, and ReEncrypt moves it to the new version.
 *
 *   rotate
 *
 * ../python/examples/rotate.py does the same.
 *
 * Build: see Makefile. Exit codes: 0, or the family of the error, see
 * kmshsm.h; 1 if anything is not as it should be.
 */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#define DAY 86400

/* The exit code of what should go well: ends the program otherwise. */
static void must(int code)
{
  if(code)
    exit(code);
}

/* The version that opens a ciphertext, which must be that of "hello there". */
static void open_with(const place *p, const char *blob, char *version)
{
  char with[512], plaintext[16];
  snprintf(with, sizeof(with), "{\"CiphertextBlob\":\"%s\"}", blob);
  must(ask(p, "Decrypt", with, "Plaintext", plaintext, sizeof(plaintext)));
  if(strcmp(plaintext, "hello there"))
    exit(failed("Decrypt", "gives something else", 0));
  must(ask(p, "Decrypt", with, "KeyVersionId", version, 37));
}

static void check(int right, const char *what)
{
  if(!right)
    exit(failed(what, "is not so", 0));
  printf("%s\n", what);
}

int main(void)
{
  char key[37], first[37], second[37], version[37], next[32];
  char blob[256], moved[256], with[512];
  uint8_t data_key[32], again[32], sealed[32 + KMSHSM_CIPHERTEXT_OVERHEAD];
  size_t data_key_len, again_len, sealed_len;
  place p = {NULL, NULL};
  kmshsm_status status;
  must(place_in_memory(&p));
  must(ask(&p, "CreateKey",
           "{\"ProtectionLevel\":\"HSM\",\"EnableAutomaticRotation\":true,"
           "\"RotationInterval\":\"30d\"}",
           "KeyId", key, sizeof(key)));
  snprintf(with, sizeof(with), "{\"KeyId\":\"%s\"}", key);
  must(
      ask(&p, "DescribeKey", with, "PrimaryKeyVersion", first, sizeof(first)));
  must(ask(&p, "DescribeKey", with, "NextRotationDate", next, sizeof(next)));
  printf("key %s\nversion %s, until %s\n", key, first, next);
  status = kmshsm_generate_data_key(p.session, key, 32, NULL, data_key, 32,
                                    &data_key_len, sealed, sizeof(sealed),
                                    &sealed_len);
  if(status)
    return refused("make a data key", status);
  snprintf(with, sizeof(with),
           "{\"KeyId\":\"%s\",\"Plaintext\":\"hello there\"}", key);
  must(ask(&p, "Encrypt", with, "CiphertextBlob", blob, sizeof(blob)));

  snprintf(with, sizeof(with), "{\"Seconds\":%d}", 30 * DAY);
  must(ask(&p, "AdvanceClock", with, NULL, NULL, 0));
  snprintf(with, sizeof(with), "{\"KeyId\":\"%s\"}", key);
  must(ask(&p, "DescribeKey", with, "PrimaryKeyVersion", second,
           sizeof(second)));
  must(ask(&p, "DescribeKey", with, "NextRotationDate", next, sizeof(next)));
  printf("30 days later: version %s, until %s\n", second, next);
  check(strcmp(first, second), "the key has a new version");

  open_with(&p, blob, version);
  check(!strcmp(version, first), "the first one opens the old ciphertext");
  status = kmshsm_decrypt(p.session, sealed, sealed_len, NULL, again, 32,
                          &again_len);
  if(status)
    return refused("decrypt the old data key", status);
  check(!memcmp(again, data_key, 32), "and the old data key");

  snprintf(with, sizeof(with),
           "{\"CiphertextBlob\":\"%s\",\"DestinationKeyId\":\"%s\"}", blob,
           key);
  must(ask(&p, "ReEncrypt", with, "CiphertextBlob", moved, sizeof(moved)));
  open_with(&p, moved, version);
  check(!strcmp(version, second), "ReEncrypt moves it to the new version");
  place_close(&p);
  return 0;
}
