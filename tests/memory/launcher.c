/* launcher EPERM|ENOSYS PROGRAM ARGUMENTS...: runs a program that the kernel
   answers so whenever it asks for memory to be secret, locked, gated or
   sealed, as a strict seccomp profile or an old kernel would. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef SYS_mseal
#define SYS_mseal 462
#endif

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "which architecture is it?"
#endif

#define LOAD(field) \
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skip) \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define DENY(call) UNLESS(call, 1), ANSWER(SECCOMP_RET_ERRNO | (unsigned)error)

int main(int argc, char **argv)
{
  int error = argc > 1 && !strcmp(argv[1], "EPERM") ? EPERM : ENOSYS;
  struct sock_filter filter[] = {
      LOAD(arch),
      UNLESS(ARCHITECTURE, 16),
      LOAD(nr),
      DENY(SYS_membarrier),
      DENY(SYS_memfd_secret),
      DENY(SYS_mlock),
      DENY(SYS_mlock2),
      DENY(SYS_pkey_alloc),
      DENY(SYS_pkey_mprotect),
      DENY(SYS_mseal),
      ANSWER(SECCOMP_RET_ALLOW),
      ANSWER(SECCOMP_RET_KILL_PROCESS),
  };
  struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};
  if(argc < 3)
    return 2;
  if(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
     prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
    perror("launcher: no filter");
    return 2;
  }
  execv(argv[2], argv + 2);
  perror(argv[2]);
  return 2;
}
