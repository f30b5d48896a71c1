/* The same measurements of SoftHSM2, through PKCS#11:
 *   softhsm LIBRARY DIRECTORY fill FROM TO   puts AES keys into a token, which
 * 0 makes first softhsm LIBRARY DIRECTORY measure KEYS   prints JSON, in
 * seconds DIRECTORY holds the token and the configuration. */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FINDS = 21, CREATIONS = 51, ENCRYPTIONS = 2000 };

static CK_FUNCTION_LIST *hsm;
static CK_BBOOL yes = CK_TRUE;
static CK_BYTE pin[] = "1234";

static void check(CK_RV code, const char *what)
{
  if(code != CKR_OK) {
    fprintf(stderr, "softhsm: %s: 0x%lx\n", what, code);
    exit(1);
  }
}

static double now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values, size_t number)
{
  qsort(values, number, sizeof *values, by_size);
  return values[number / 2];
}

static CK_SLOT_ID slot(void)
{
  CK_SLOT_ID slots[8];
  CK_ULONG number = 8;
  check(hsm->C_GetSlotList(CK_TRUE, slots, &number), "C_GetSlotList");
  return slots[0];
}

static CK_SESSION_HANDLE login(void)
{
  CK_SESSION_HANDLE session;
  CK_FLAGS flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
  check(hsm->C_OpenSession(slot(), flags, NULL, NULL, &session),
        "C_OpenSession");
  check(hsm->C_Login(session, CKU_USER, pin, sizeof pin - 1), "C_Login");
  return session;
}

static void make_token(void)
{
  CK_BYTE label[32];
  CK_SESSION_HANDLE session;
  CK_SLOT_ID first;
  memset(label, ' ', sizeof label);
  check(hsm->C_Initialize(NULL), "C_Initialize");
  first = slot();
  check(hsm->C_InitToken(first, pin, sizeof pin - 1, label), "C_InitToken");
  check(hsm->C_OpenSession(first, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
                           NULL, &session),
        "C_OpenSession");
  check(hsm->C_Login(session, CKU_SO, pin, sizeof pin - 1), "C_Login");
  check(hsm->C_InitPIN(session, pin, sizeof pin - 1), "C_InitPIN");
  check(hsm->C_Finalize(NULL), "C_Finalize");
}

static CK_OBJECT_HANDLE create(CK_SESSION_HANDLE session, uint32_t id)
{
  CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
  CK_ULONG length = 32;
  CK_OBJECT_HANDLE key;
  CK_ATTRIBUTE template[] = {
      {CKA_TOKEN, &yes, sizeof yes},   {CKA_SENSITIVE, &yes, sizeof yes},
      {CKA_ENCRYPT, &yes, sizeof yes}, {CKA_DECRYPT, &yes, sizeof yes},
      {CKA_ID, &id, sizeof id},        {CKA_VALUE_LEN, &length, sizeof length},
  };
  check(hsm->C_GenerateKey(session, &generate, template, 6, &key),
        "C_GenerateKey");
  return key;
}

static CK_OBJECT_HANDLE find(CK_SESSION_HANDLE session, uint32_t id)
{
  CK_ATTRIBUTE template[] = {{CKA_ID, &id, sizeof id}};
  CK_OBJECT_HANDLE key;
  CK_ULONG found = 0;
  check(hsm->C_FindObjectsInit(session, template, 1), "C_FindObjectsInit");
  check(hsm->C_FindObjects(session, &key, 1, &found), "C_FindObjects");
  check(hsm->C_FindObjectsFinal(session), "C_FindObjectsFinal");
  if(found != 1)
    check(CKR_GENERAL_ERROR, "no such key");
  return key;
}

static void encrypt(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
  CK_BYTE iv[12] = {7}, text[32] = {7}, out[64];
  CK_GCM_PARAMS gcm = {
      .pIv = iv, .ulIvLen = sizeof iv, .ulIvBits = 96, .ulTagBits = 128};
  CK_MECHANISM mechanism = {CKM_AES_GCM, &gcm, sizeof gcm};
  CK_ULONG length = sizeof out;
  check(hsm->C_EncryptInit(session, &mechanism, key), "C_EncryptInit");
  check(hsm->C_Encrypt(session, text, sizeof text, out, &length), "C_Encrypt");
}

static void measure(uint32_t keys)
{
  double finds[FINDS], created = 0, begun = now(), opened, hot;
  CK_SESSION_HANDLE session;
  CK_OBJECT_HANDLE key = 0;
  check(hsm->C_Initialize(NULL), "C_Initialize");
  session = login();
  opened = now() - begun;
  for(uint32_t i = 0; i < FINDS; i++) {
    begun = now();
    key = find(session, (uint32_t)((uint64_t)i * keys / FINDS));
    encrypt(session, key);
    finds[i] = now() - begun;
  }
  begun = now();
  for(int i = 0; i < ENCRYPTIONS; i++)
    encrypt(session, key);
  hot = (now() - begun) / ENCRYPTIONS;
  for(uint32_t i = 0; i < CREATIONS; i++) {
    begun = now();
    key = create(session, UINT32_MAX - i);
    created += now() - begun;
    check(hsm->C_DestroyObject(session, key), "C_DestroyObject");
  }
  printf("{\"keys\": %u, \"open\": %g, \"first_use\": %g, \"hot\": %g, "
         "\"create\": %g}\n",
         keys, opened, median(finds, FINDS), hot, created / CREATIONS);
  check(hsm->C_Finalize(NULL), "C_Finalize");
}

static void fill(uint32_t from, uint32_t to)
{
  CK_SESSION_HANDLE session;
  check(hsm->C_Initialize(NULL), "C_Initialize");
  session = login();
  for(uint32_t id = from; id < to; id++)
    create(session, id);
  check(hsm->C_Finalize(NULL), "C_Finalize");
}

int main(int argc, char **argv)
{
  char path[4096];
  FILE *file;
  CK_C_GetFunctionList list;
  uint32_t first = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;
  void *library = argc > 4 ? dlopen(argv[1], RTLD_NOW) : NULL;
  if(!library) {
    fprintf(stderr,
            "usage: softhsm LIBRARY DIRECTORY fill FROM TO | measure KEYS\n");
    return 2;
  }
  snprintf(path, sizeof path, "%s/softhsm2.conf", argv[2]);
  file = fopen(path, "w");
  if(!file)
    return 1;
  fprintf(file, "directories.tokendir = %s\nlog.level = ERROR\n", argv[2]);
  fclose(file);
  setenv("SOFTHSM2_CONF", path, 1);
  *(void **)&list = dlsym(library, "C_GetFunctionList");
  check(list(&hsm), "C_GetFunctionList");
  if(argc == 6 && strcmp(argv[3], "fill") == 0) {
    if(first == 0)
      make_token();
    fill(first, (uint32_t)strtoul(argv[5], NULL, 10));
  } else {
    measure(first);
  }
  return 0;
}
