# Makes a function of each example in kmshsm.h, and a table of them all.
/^\/\/\/ @code/ { inside = 1; body = ""; next }
/^\/\/\/ @endcode/ { inside = 0; next }
inside { body = body substr($0, 4) "\n"; next }
/^[^\/ ].*kmshsm_[a-z_]+\(/ {
    match($0, /kmshsm_[a-z_]+\(/)
    name = substr($0, RSTART, RLENGTH - 1)
    if (body == "") {
        print "examples.awk: " name " has no example" >"/dev/stderr"
        exit 1
    }
    printf "static void example_%s(void)\n{\n%s}\n", name, body
    table = table "    {\"" name "\", example_" name "},\n"
    body = ""
}
END { printf "static const example examples[] = {\n%s};\n", table }
