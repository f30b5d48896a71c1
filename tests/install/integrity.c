/* Prints the report of the self-tests of the library that this program has loaded. */
#include <kmshsm.h>
#include <stdio.h>

int main(void)
{
    char *report = NULL;
    kmshsm_status status = kmshsm_self_test(&report);

    if (status != KMSHSM_OK)
        return 1;
    puts(report);
    kmshsm_string_free(report);
    return 0;
}
