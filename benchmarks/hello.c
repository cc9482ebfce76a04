/* What a static program costs at the least. */
#include <unistd.h>

int main(void)
{
    return write(STDOUT_FILENO, "hello, world\n", 13) != 13;
}
