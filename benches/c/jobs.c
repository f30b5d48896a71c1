/* The hot jobs of the C interface, so that callgrind counts their
   instructions. `jobs` does each some times and has callgrind dump what they
   took under the job's name; what readies a job is not counted. `jobs
   features` says what of the CPU a program sees, under valgrind less than
   there is. */
#include "bench.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <string.h>
#include <valgrind/callgrind.h>

typedef struct {
  const char *name;
  const contestant *who;
  job job;
  unsigned calls;
} hot;

static const hot hots[] = {
    {"AES-256 encrypt, 32 bytes", &ours_encrypt, {"Aliyun_AES_256", 32}, 20},
    {"AES-256 encrypt, 4096 bytes",
     &ours_encrypt,
     {"Aliyun_AES_256", 4096},
     20},
    {"AES-256 decrypt, 32 bytes", &ours_decrypt, {"Aliyun_AES_256", 32}, 20},
    {"AES-256 decrypt, 4096 bytes",
     &ours_decrypt,
     {"Aliyun_AES_256", 4096},
     20},
    {"SM4 encrypt, 32 bytes", &ours_encrypt, {"Aliyun_SM4", 32}, 20},
    {"SM4 encrypt, 4096 bytes", &ours_encrypt, {"Aliyun_SM4", 4096}, 20},
    {"SM4 decrypt, 32 bytes", &ours_decrypt, {"Aliyun_SM4", 32}, 20},
    {"SM4 decrypt, 4096 bytes", &ours_decrypt, {"Aliyun_SM4", 4096}, 20},
    {"data key, 32 bytes", &ours_data_key, {"Aliyun_AES_256", 32}, 20},
    {"RSA-2048 sign", &ours_sign, {"RSA_2048", 0}, 1},
    {"RSA-2048 verify", &ours_verify, {"RSA_2048", 0}, 2},
    {"P-256 sign", &ours_sign, {"EC_P256", 0}, 2},
    {"P-256 verify", &ours_verify, {"EC_P256", 0}, 2},
    {"SM2 sign", &ours_sign, {"EC_SM2", 0}, 2},
    {"SM2 verify", &ours_verify, {"EC_SM2", 0}, 2},
    {"random, 32 bytes", &ours_random, {NULL, 32}, 80},
    /* As little else as there is: the session's handle and the door. */
    {"random, 1 byte", &ours_random, {NULL, 1}, 80},
};

/* Each is readied so many times: how long it takes to verify a signature
   depends on the signature. */
enum { OWN = 25 };

static void count(const hot *hot)
{
  void *own[OWN];
  const char *why = NULL;
  char name[80];
  for(int i = 0; i < OWN; i++) {
    own[i] = hot->who->make(&hot->job, &why);
    must(own[i] != NULL, hot->name);
    hot->who->run(own[i]);
  }
  snprintf(name, sizeof name, "%s: %u", hot->name, OWN * hot->calls);
  CALLGRIND_ZERO_STATS;
  CALLGRIND_TOGGLE_COLLECT;
  for(int i = 0; i < OWN; i++)
    for(unsigned call = 0; call < hot->calls; call++)
      hot->who->run(own[i]);
  CALLGRIND_TOGGLE_COLLECT;
  CALLGRIND_DUMP_STATS_AT(name);
}

/* Those that choose paths here; none of other processors. */
static void features(void)
{
#ifdef __x86_64__
  static const struct {
    const char *name;
    unsigned leaf, place, bit; /* of ebx or ecx, the second and third */
  } known[] = {{"aes", 1, 2, 25},       {"pclmul", 1, 2, 1}, {"avx2", 7, 1, 5},
               {"bmi2", 7, 1, 8},       {"adx", 7, 1, 19},   {"sha", 7, 1, 29},
               {"avx512f", 7, 1, 16},   {"gfni", 7, 2, 8},   {"vaes", 7, 2, 9},
               {"vpclmulqdq", 7, 2, 10}};
  for(size_t i = 0; i < sizeof known / sizeof *known; i++) {
    unsigned told[4] = {0};
    __get_cpuid_count(known[i].leaf, 0, told, told + 1, told + 2, told + 3);
    if(told[known[i].place] >> known[i].bit & 1)
      puts(known[i].name);
  }
#endif
}

int main(int argc, char **argv)
{
  if(argc == 2 && !strcmp(argv[1], "features")) {
    features();
    return 0;
  }
  for(size_t i = 0; i < sizeof hots / sizeof *hots; i++)
    count(&hots[i]);
  return 0;
}
