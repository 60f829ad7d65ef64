#include "core/http/problem.c"
#include "spec/core/test.h"

TEST("it is wanted by its name, in any case and anywhere in the list")
{
    CHECK(problem_is_wanted(SLICE_LIT("application/problem+json")));
    CHECK(problem_is_wanted(SLICE_LIT("text/html, \tApplication/Problem+JSON ; q=0.5 , */*")));
    CHECK(problem_is_wanted(SLICE_LIT("application/problem+json;q=0.001")));
    CHECK(problem_is_wanted(SLICE_LIT("application/problem+json;charset=utf-8;q=1")));
}

TEST("it is not wanted by who says nothing of it, or no to it")
{
    CHECK(!problem_is_wanted(SLICE_LIT("")));
    CHECK(!problem_is_wanted(SLICE_LIT("*/*")));
    CHECK(!problem_is_wanted(SLICE_LIT("application/*")));
    CHECK(!problem_is_wanted(SLICE_LIT("application/json, application/problem+jso")));
    CHECK(!problem_is_wanted(SLICE_LIT("x/application/problem+json")));
    CHECK(!problem_is_wanted(SLICE_LIT("application/problem+json;q=0")));
    CHECK(!problem_is_wanted(SLICE_LIT("application/problem+json; charset=x; Q=0.000, */*")));
    CHECK(!problem_is_wanted(SLICE_LIT(",;,,;;")));
}

TEST("it says the status, its reason, and all that the envelope says")
{
    struct buf b = BUF_INIT;
    problem_write(&b, 404, SLICE_LIT("not_found"), SLICE_LIT("no \"x\" here"), SLICE_LIT(""));
    CHECK_STR(b.p, b.n, "{\"title\":\"Not Found\",\"status\":404,\"detail\":\"no \\\"x\\\" here\",\"code\":\"not_found\"}");
    buf_clear(&b);
    problem_write(&b, 422, SLICE_LIT("c"), SLICE_LIT("m"), SLICE_LIT("[1]"));
    CHECK_STR(b.p, b.n,
              "{\"title\":\"Unprocessable Content\",\"status\":422,\"detail\":\"m\",\"code\":\"c\",\"details\":[1]}");
    buf_free(&b);
}
