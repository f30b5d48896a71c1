/* A backup in shares: three of them, of which any two make a store of it.
 *
 *   backup PASSPHRASE_FILE FOLDER
 *
 * Makes FOLDER/store with a key in it, FOLDER/backup, and FOLDER/restored,
 * which decrypts what the first one has encrypted. Both stores open with the
 * passphrase. ../python/examples/backup.py does the same.
 *
 * Build: see Makefile. Exit codes: 0, or the family of the error, see
 * kmshsm.h; 1 if anything is not as it should be.
 */
#include "store.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* A share has 33 words of at most 8 letters. */
typedef char shares[3][33 * 9];

/* Ends the program if a call has failed. */
static void check(const char *what, kmshsm_status status)
{
  if(status)
    exit(refused(what, status));
}

/* The shares are nowhere else: in earnest, each goes to a custodian now. */
static void make_backup(const place *p, const char *path, shares share)
{
  char with[600], *answer = NULL;
  const char *list;
  snprintf(with, sizeof(with),
           "{\"Path\":\"%s\",\"Threshold\":2,\"Shares\":3}", path);
  check("make a backup",
        kmshsm_operate(p->store, "CreateBackup", with, &answer));
  list = strstr(answer, "\"Shares\":[");
  if(!list ||
     sscanf(list, "\"Shares\":[\"%296[^\"]\",\"%296[^\"]\",\"%296[^\"]\"]",
            share[0], share[1], share[2]) != 3)
    exit(failed("CreateBackup", "answers something else", 0));
  kmshsm_string_free(answer); /* wipes it */
}

/* Two shares and no open store: a machine of its own will do. */
static void restore(const char *path, const char *directory,
                    const char *passphrase, const char *one, const char *two)
{
  char with[3000], *answer = NULL;
  snprintf(with, sizeof(with),
           "{\"Path\":\"%s\",\"Place\":\"%s\",\"Passphrase\":\"%s\","
           "\"Shares\":[\"%s\",\"%s\"]}",
           path, directory, passphrase, one, two);
  check("restore", kmshsm_operate(NULL, "RestoreStore", with, &answer));
  kmshsm_string_free(answer);
  OPENSSL_cleanse(with, sizeof(with));
}

int main(int argc, char **argv)
{
  char first[512], backup[512], second[512], passphrase[512], key[37];
  uint8_t blob[5 + KMSHSM_CIPHERTEXT_OVERHEAD], plain[5];
  size_t len, blob_len, plain_len;
  shares share;
  place p;
  uint32_t flags = take_flags(&argc, &argv);
  int code;
  if(argc != 3)
    return failed("usage", "backup PASSPHRASE_FILE FOLDER", 0);
  code =
      read_file(argv[1], (uint8_t *)passphrase, sizeof(passphrase) - 1, &len);
  if(code)
    return code;
  passphrase[len] = '\0';
  passphrase[strcspn(passphrase, "\n")] = '\0';
  if(strpbrk(passphrase, "\"\\") || strlen(argv[2]) > 256)
    return failed("backup", "no quotes here, and no long paths", 0);
  snprintf(first, sizeof(first), "%s/store", argv[2]);
  snprintf(backup, sizeof(backup), "%s/backup", argv[2]);
  snprintf(second, sizeof(second), "%s/restored", argv[2]);

  check("make a store",
        kmshsm_create(first, KMSHSM_UNLOCK_PASSPHRASE, (uint8_t *)passphrase,
                      strlen(passphrase)));
  if((code = place_open(&p, first, argv[1], "cn-hongkong", flags)))
    return code;
  if((code = ask(&p, "CreateKey", NULL, "KeyId", key, sizeof(key))))
    return code;
  check("encrypt", kmshsm_encrypt(p.session, key, (const uint8_t *)"hello", 5,
                                  NULL, blob, sizeof(blob), &blob_len));
  make_backup(&p, backup, share);
  place_close(&p);
  printf("%s: 3 shares, 2 of which open it\n", backup);

  restore(backup, second, passphrase, share[2], share[0]);
  OPENSSL_cleanse(passphrase, sizeof(passphrase));
  OPENSSL_cleanse(share, sizeof(share));
  if((code = place_open(&p, second, argv[1], "cn-hongkong", flags)))
    return code;
  check("decrypt", kmshsm_decrypt(p.session, blob, blob_len, NULL, plain,
                                  sizeof(plain), &plain_len));
  place_close(&p);
  if(plain_len != 5 || memcmp(plain, "hello", 5))
    return failed("decrypt", "gives something else", 0);
  printf("%s: decrypts what %s has encrypted\n", second, first);
  return 0;
}
