/* SoftHSM2 through PKCS#11. A key that is kept is an object of the token; one
   of the session alone, which is gone with it, is as fast as SoftHSM2 can be.
   $SOFTHSM2_CONF names a directory for the token. */
#include "bench.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <string.h>

static const char LIBRARY[] = "/usr/lib/softhsm/libsofthsm2.so";
static CK_BYTE pin[] = "1234";
static CK_BBOOL yes = CK_TRUE;

static void fine(CK_RV code, const char *what)
{
  char text[64];
  snprintf(text, sizeof text, "%s: 0x%lx", what, code);
  must(code == CKR_OK, text);
}

/* PKCS#11 wants one for each thread. */
static CK_SESSION_HANDLE session(CK_FUNCTION_LIST *hsm, CK_SLOT_ID slot)
{
  CK_SESSION_HANDLE session;
  fine(hsm->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
                          NULL, &session),
       "C_OpenSession");
  return session;
}

static CK_SLOT_ID first(CK_FUNCTION_LIST *hsm)
{
  CK_SLOT_ID slots[8];
  CK_ULONG number = 8;
  fine(hsm->C_GetSlotList(CK_TRUE, slots, &number), "C_GetSlotList");
  return slots[0];
}

static CK_SLOT_ID make_token(CK_FUNCTION_LIST *hsm)
{
  CK_BYTE label[32];
  CK_SESSION_HANDLE officer;
  memset(label, ' ', sizeof label);
  fine(hsm->C_InitToken(first(hsm), pin, sizeof pin - 1, label),
       "C_InitToken");
  officer = session(hsm, first(hsm));
  fine(hsm->C_Login(officer, CKU_SO, pin, sizeof pin - 1), "C_Login");
  fine(hsm->C_InitPIN(officer, pin, sizeof pin - 1), "C_InitPIN");
  fine(hsm->C_Logout(officer), "C_Logout");
  fine(hsm->C_Login(officer, CKU_USER, pin, sizeof pin - 1), "C_Login");
  return first(hsm);
}

static CK_FUNCTION_LIST *library(CK_SLOT_ID *slot, const char **why)
{
  static CK_FUNCTION_LIST *hsm;
  static CK_SLOT_ID token;
  CK_C_INITIALIZE_ARGS threads = {.flags = CKF_OS_LOCKING_OK};
  CK_C_GetFunctionList list;
  if(!hsm) {
    void *file = dlopen(LIBRARY, RTLD_NOW);
    if(!file) {
      *why = dlerror();
      return NULL;
    }
    *(void **)&list = dlsym(file, "C_GetFunctionList");
    fine(list(&hsm), "C_GetFunctionList");
    fine(hsm->C_Initialize(&threads), "C_Initialize");
    token = make_token(hsm);
  }
  *slot = token;
  return hsm;
}

typedef struct {
  CK_FUNCTION_LIST *hsm;
  CK_SESSION_HANDLE session;
  CK_OBJECT_HANDLE key;
  CK_MECHANISM mechanism;
  CK_GCM_PARAMS gcm;
  CK_BYTE iv[12];
  CK_BYTE *in, *out;
  CK_ULONG in_len, capacity;
} own;

static void *make(size_t in_len, size_t capacity, const char **why)
{
  CK_SLOT_ID slot;
  CK_FUNCTION_LIST *hsm = library(&slot, why);
  own *own = room(sizeof *own);
  if(!hsm)
    return NULL;
  own->hsm = hsm;
  own->session = session(hsm, slot);
  own->in = room(in_len);
  own->in_len = in_len;
  own->out = room(capacity);
  own->capacity = capacity;
  return own;
}

static void encrypt(void *with)
{
  own *own = with;
  CK_ULONG len = own->capacity;
  fine(own->hsm->C_EncryptInit(own->session, &own->mechanism, own->key),
       "C_EncryptInit");
  fine(own->hsm->C_Encrypt(own->session, own->in, own->in_len, own->out, &len),
       "C_Encrypt");
}

static void decrypt(void *with)
{
  own *own = with;
  CK_ULONG len = own->capacity;
  fine(own->hsm->C_DecryptInit(own->session, &own->mechanism, own->key),
       "C_DecryptInit");
  fine(own->hsm->C_Decrypt(own->session, own->in, own->in_len, own->out, &len),
       "C_Decrypt");
}

static void *make_encrypt(const job *job, CK_BBOOL kept, const char **why)
{
  CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
  CK_ULONG key_len = 32;
  CK_ATTRIBUTE template[] = {{CKA_TOKEN, &kept, sizeof kept},
                             {CKA_SENSITIVE, &yes, sizeof yes},
                             {CKA_ENCRYPT, &yes, sizeof yes},
                             {CKA_DECRYPT, &yes, sizeof yes},
                             {CKA_VALUE_LEN, &key_len, sizeof key_len}};
  own *own = make(job->size, job->size + 16, why);
  if(!own)
    return NULL;
  fine(
      own->hsm->C_GenerateKey(own->session, &generate, template, 5, &own->key),
      "C_GenerateKey");
  own->gcm = (CK_GCM_PARAMS){.pIv = own->iv,
                             .ulIvLen = sizeof own->iv,
                             .ulIvBits = 96,
                             .ulTagBits = 128};
  own->mechanism = (CK_MECHANISM){CKM_AES_GCM, &own->gcm, sizeof own->gcm};
  return own;
}

static void *make_decrypt(const job *job, CK_BBOOL kept, const char **why)
{
  own *own = make_encrypt(job, kept, why);
  if(own) {
    CK_BYTE *sealed = own->out;
    encrypt(own);
    own->out = room(own->capacity);
    own->in = sealed;
    own->in_len = own->capacity;
    decrypt(own);
    must(own->out[job->size - 1] == 7, "C_Decrypt");
  }
  return own;
}

static void sign(void *with)
{
  own *own = with;
  CK_ULONG len = own->capacity;
  fine(own->hsm->C_SignInit(own->session, &own->mechanism, own->key),
       "C_SignInit");
  fine(own->hsm->C_Sign(own->session, own->in, own->in_len, own->out, &len),
       "C_Sign");
}

/* SHA-256's DigestInfo (RFC 8017, 9.2), which CKM_RSA_PKCS has its caller
   make. */
static const CK_BYTE DIGEST_INFO[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                      0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                      0x01, 0x05, 0x00, 0x04, 0x20};
/* prime256v1. */
static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48,
                         0xce, 0x3d, 0x03, 0x01, 0x07};

static void *make_sign(const job *job, CK_BBOOL kept, const char **why)
{
  int rsa = !strcmp(job->spec, "RSA_2048");
  CK_ULONG bits = 2048;
  CK_OBJECT_HANDLE public_key;
  CK_MECHANISM generate = {
      rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0};
  CK_ATTRIBUTE of_public = {CKA_EC_PARAMS, p256, sizeof p256};
  CK_ATTRIBUTE of_private[] = {{CKA_TOKEN, &kept, sizeof kept},
                               {CKA_SENSITIVE, &yes, sizeof yes},
                               {CKA_SIGN, &yes, sizeof yes}};
  own *own = make(rsa ? sizeof DIGEST_INFO + DIGEST : DIGEST, 256, why);
  if(!own)
    return NULL;
  memcpy(own->in + own->in_len - DIGEST, digest, DIGEST);
  if(rsa) {
    memcpy(own->in, DIGEST_INFO, sizeof DIGEST_INFO);
    of_public = (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof bits};
  }
  fine(own->hsm->C_GenerateKeyPair(own->session, &generate, &of_public, 1,
                                   of_private, 3, &public_key, &own->key),
       "C_GenerateKeyPair");
  own->mechanism = (CK_MECHANISM){rsa ? CKM_RSA_PKCS : CKM_ECDSA, NULL, 0};
  return own;
}

static void random_bytes(void *with)
{
  own *own = with;
  fine(own->hsm->C_GenerateRandom(own->session, own->out, own->capacity),
       "C_GenerateRandom");
}

static void *make_random(const job *job, const char **why)
{
  return make(job->size, job->size, why);
}

const char *softhsm_version(void)
{
  static char version[16];
  const char *why = NULL;
  CK_SLOT_ID slot;
  CK_INFO info;
  CK_FUNCTION_LIST *hsm = library(&slot, &why);
  if(!hsm)
    return "";
  fine(hsm->C_GetInfo(&info), "C_GetInfo");
  snprintf(version, sizeof version, "%u.%u", info.libraryVersion.major,
           info.libraryVersion.minor);
  return version;
}

static const char PEER[] = "SoftHSM2";

#define CONTESTANTS(does, name) \
  static void *kept_##does(const job *job, const char **why) \
  { \
    return make_##does(job, CK_TRUE, why); \
  } \
  static void *passing_##does(const job *job, const char **why) \
  { \
    return make_##does(job, CK_FALSE, why); \
  } \
  const contestant softhsm_##does = {name, PEER, kept_##does, does}; \
  const contestant softhsm_##does##_passing = {name ", session key", PEER, \
                                               passing_##does, does}

CONTESTANTS(encrypt, "SoftHSM2 C_Encrypt");
CONTESTANTS(decrypt, "SoftHSM2 C_Decrypt");
CONTESTANTS(sign, "SoftHSM2 C_Sign");
const contestant softhsm_random = {"SoftHSM2 C_GenerateRandom", PEER,
                                   make_random, random_bytes};
