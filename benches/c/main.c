/* The C interface, linked as users link it, beside OpenSSL, libgcrypt,
   SoftHSM2 and the kernel. `abi RECORDS` appends lines of JSON to RECORDS and
   prints what they say. */
#include "records.h"

typedef const contestant *const contestants[];

static contestants aes_encrypt = {&openssl_encrypt, &openssl_encrypt_cached,
                                  &softhsm_encrypt, &softhsm_encrypt_passing,
                                  &ours_encrypt,    NULL};
static contestants aes_decrypt = {&openssl_decrypt, &openssl_decrypt_cached,
                                  &softhsm_decrypt, &softhsm_decrypt_passing,
                                  &ours_decrypt,    NULL};
static contestants sm4_encrypt = {&gcrypt_encrypt, &gcrypt_encrypt_cached,
                                  &openssl_encrypt, &ours_encrypt, NULL};
static contestants sm4_decrypt = {&gcrypt_decrypt, &gcrypt_decrypt_cached,
                                  &openssl_decrypt, &ours_decrypt, NULL};
static contestants signers = {&openssl_sign, &softhsm_sign,
                              &softhsm_sign_passing, &ours_sign, NULL};
static contestants sm2_signers = {&openssl_sign, &ours_sign, NULL};
static contestants randoms = {&kernel_random, &openssl_random, &softhsm_random,
                              &ours_random, NULL};

static const group groups[] = {
    {"AES-256 encrypt", {"Aliyun_AES_256", 32}, 2, aes_encrypt},
    {"AES-256 encrypt", {"Aliyun_AES_256", 1024}, 1, aes_encrypt},
    {"AES-256 encrypt", {"Aliyun_AES_256", 4096}, 2, aes_encrypt},
    {"AES-256 encrypt", {"Aliyun_AES_256", 6144}, 1, aes_encrypt},
    {"AES-256 decrypt", {"Aliyun_AES_256", 32}, 2, aes_decrypt},
    {"AES-256 decrypt", {"Aliyun_AES_256", 1024}, 1, aes_decrypt},
    {"AES-256 decrypt", {"Aliyun_AES_256", 4096}, 2, aes_decrypt},
    {"AES-256 decrypt", {"Aliyun_AES_256", 6144}, 1, aes_decrypt},
    {"SM4-GCM encrypt", {"Aliyun_SM4", 32}, 1, sm4_encrypt},
    {"SM4-GCM encrypt", {"Aliyun_SM4", 1024}, 1, sm4_encrypt},
    {"SM4-GCM encrypt", {"Aliyun_SM4", 4096}, 2, sm4_encrypt},
    {"SM4-GCM encrypt", {"Aliyun_SM4", 6144}, 1, sm4_encrypt},
    {"SM4-GCM decrypt", {"Aliyun_SM4", 32}, 1, sm4_decrypt},
    {"SM4-GCM decrypt", {"Aliyun_SM4", 1024}, 1, sm4_decrypt},
    {"SM4-GCM decrypt", {"Aliyun_SM4", 4096}, 2, sm4_decrypt},
    {"SM4-GCM decrypt", {"Aliyun_SM4", 6144}, 1, sm4_decrypt},
    {"RSA-2048 sign PKCS#1", {"RSA_2048", 0}, 2, signers},
    {"P-256 sign", {"EC_P256", 0}, 2, signers},
    {"SM2 sign", {"EC_SM2", 0}, 2, sm2_signers},
    {"random", {NULL, 32}, 2, randoms},
};

static const figure figures[] = {
    {"AES-256 Encrypt beside SoftHSM2, 4 KiB", 12, "AES-256 encrypt", 4096,
     "kmshsm_encrypt", "SoftHSM2 C_Encrypt"},
    {"RSA-2048 sign beside SoftHSM2", 2.5, "RSA-2048 sign PKCS#1", 0,
     "kmshsm_sign", "SoftHSM2 C_Sign"},
    {"P-256 sign beside SoftHSM2", 4, "P-256 sign", 0, "kmshsm_sign",
     "SoftHSM2 C_Sign"},
    {"random through C, 32 B", 3, "random", 32, "kmshsm_random", "getrandom"},
    {"2 threads: AES-256 Encrypt, 32 B", 1.9, "AES-256 encrypt", 32,
     "kmshsm_encrypt", NULL},
    {"2 threads: AES-256 Encrypt, 4 KiB", 1.9, "AES-256 encrypt", 4096,
     "kmshsm_encrypt", NULL},
    {"2 threads: AES-256 Decrypt, 32 B", 1.9, "AES-256 decrypt", 32,
     "kmshsm_decrypt", NULL},
    {"2 threads: AES-256 Decrypt, 4 KiB", 1.9, "AES-256 decrypt", 4096,
     "kmshsm_decrypt", NULL},
    {"2 threads: SM4 Encrypt, 4 KiB", 1.9, "SM4-GCM encrypt", 4096,
     "kmshsm_encrypt", NULL},
    {"2 threads: SM4 Decrypt, 4 KiB", 1.9, "SM4-GCM decrypt", 4096,
     "kmshsm_decrypt", NULL},
    {"2 threads: RSA-2048 sign", 1.9, "RSA-2048 sign PKCS#1", 0, "kmshsm_sign",
     NULL},
    {"2 threads: P-256 sign", 1.9, "P-256 sign", 0, "kmshsm_sign", NULL},
    {"2 threads: SM2 sign", 1.9, "SM2 sign", 0, "kmshsm_sign", NULL},
    {"2 threads: random, 32 B", 1.9, "random", 32, "kmshsm_random", NULL},
};

enum {
  GROUPS = sizeof groups / sizeof *groups,
  FIGURES = sizeof figures / sizeof *figures
};

int main(int argc, char **argv)
{
  static result results[GROUPS][MOST];
  size_t numbers[GROUPS];
  FILE *records = argc == 2 ? fopen(argv[1], "a") : NULL;
  if(!records) {
    fputs("usage: abi RECORDS\n", stderr);
    return 2;
  }
  record_peer(records, "OpenSSL", openssl_version());
  record_peer(records, "libgcrypt", gcrypt_version());
  record_peer(records, "SoftHSM2", softhsm_version());
  record_peer(records, "kernel", kernel_version());
  for(size_t at = 0; at < GROUPS; at++) {
    const group *group = &groups[at];
    numbers[at] =
        measure(&group->job, group->who, group->threads, results[at]);
    record_group(records, group, results[at], numbers[at]);
  }
  for(const figure *figure = figures; figure < figures + FIGURES; figure++)
    for(size_t at = 0; at < GROUPS; at++)
      record_figure(records, figure, &groups[at], results[at], numbers[at]);
  must(fclose(records) == 0, argv[1]);
  return 0;
}
