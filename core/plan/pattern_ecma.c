#include "plan/pattern_ecma.h"

/* The names of ECMA-262's table 70 "Value aliases and canonical values for the Unicode property General_Category". Those of
 * one or two letters are PCRE2's as well; scripts are written Script=Greek here and Greek there. */
static const struct {
    struct slice name;
    const char *category;
} categories[] = {
#define CATEGORY(name, category)           \
    {                                      \
        {name, sizeof(name) - 1}, category \
    }
    CATEGORY("Letter", "L"),
    CATEGORY("Cased_Letter", "L&"),
    CATEGORY("LC", "L&"),
    CATEGORY("Uppercase_Letter", "Lu"),
    CATEGORY("Lowercase_Letter", "Ll"),
    CATEGORY("Titlecase_Letter", "Lt"),
    CATEGORY("Modifier_Letter", "Lm"),
    CATEGORY("Other_Letter", "Lo"),
    CATEGORY("Mark", "M"),
    CATEGORY("Combining_Mark", "M"),
    CATEGORY("Nonspacing_Mark", "Mn"),
    CATEGORY("Spacing_Mark", "Mc"),
    CATEGORY("Enclosing_Mark", "Me"),
    CATEGORY("Number", "N"),
    CATEGORY("Decimal_Number", "Nd"),
    CATEGORY("digit", "Nd"),
    CATEGORY("Letter_Number", "Nl"),
    CATEGORY("Other_Number", "No"),
    CATEGORY("Punctuation", "P"),
    CATEGORY("punct", "P"),
    CATEGORY("Connector_Punctuation", "Pc"),
    CATEGORY("Dash_Punctuation", "Pd"),
    CATEGORY("Open_Punctuation", "Ps"),
    CATEGORY("Close_Punctuation", "Pe"),
    CATEGORY("Initial_Punctuation", "Pi"),
    CATEGORY("Final_Punctuation", "Pf"),
    CATEGORY("Other_Punctuation", "Po"),
    CATEGORY("Symbol", "S"),
    CATEGORY("Math_Symbol", "Sm"),
    CATEGORY("Currency_Symbol", "Sc"),
    CATEGORY("Modifier_Symbol", "Sk"),
    CATEGORY("Other_Symbol", "So"),
    CATEGORY("Separator", "Z"),
    CATEGORY("Space_Separator", "Zs"),
    CATEGORY("Line_Separator", "Zl"),
    CATEGORY("Paragraph_Separator", "Zp"),
    CATEGORY("Other", "C"),
    CATEGORY("Control", "Cc"),
    CATEGORY("cntrl", "Cc"),
    CATEGORY("Format", "Cf"),
    CATEGORY("Surrogate", "Cs"),
    CATEGORY("Private_Use", "Co"),
    CATEGORY("Unassigned", "Cn"),
#undef CATEGORY
};

/* Without "General_Category=" or "Script=" in front. */
static struct slice skip_property(struct slice name)
{
    static const struct slice properties[] = {{"General_Category=", 17}, {"gc=", 3}, {"Script=", 7}, {"sc=", 3}};
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++)
        if (name.n > properties[i].n && memcmp(name.p, properties[i].p, properties[i].n) == 0)
            return slice_of(name.p + properties[i].n, name.n - properties[i].n);
    return name;
}

/* p stands behind "\p" or "\P". Returns where it goes on. */
static const char *write_property(struct buf *out, const char *p, const char *end)
{
    const char *close = p < end && *p == '{' ? memchr(p, '}', (size_t)(end - p)) : NULL;
    if (close == NULL)
        return p;
    struct slice name = skip_property(slice_of(p + 1, (size_t)(close - p - 1)));
    for (size_t i = 0; i < sizeof categories / sizeof categories[0]; i++)
        if (slice_eq(name, categories[i].name))
            name = slice_str(categories[i].category);
    buf_char(out, '{');
    buf_slice(out, name);
    return close;
}

/* ECMA-262's WhiteSpace and LineTerminator, besides those that are \s to PCRE2. [\S] is left as it is: most who write it
 * write [\s\S], which is everything either way. */
#define MORE_BLANKS "\\u00a0\\ufeff\\u2028\\u2029\\p{Zs}"

static bool write_blank(struct buf *out, char escape, bool in_class)
{
    if (escape == 's' && in_class)
        buf_lit(out, "\\s" MORE_BLANKS);
    else if (escape == 's')
        buf_lit(out, "[\\s" MORE_BLANKS "]");
    else if (escape == 'S' && !in_class)
        buf_lit(out, "[^\\s" MORE_BLANKS "]");
    else
        return false;
    return true;
}

void pattern_ecma_write(struct buf *out, struct slice pattern)
{
    const char *p = pattern.p, *end = pattern.p + pattern.n;
    bool in_class = false;

    while (p < end) {
        char c = *p++;
        if (c == '\\' && p < end) {
            char escape = *p++;
            if (write_blank(out, escape, in_class))
                continue;
            buf_char(out, '\\');
            buf_char(out, escape);
            if (escape == 'p' || escape == 'P')
                p = write_property(out, p, end);
            continue;
        }
        in_class = c == '[' || (in_class && c != ']');
        buf_char(out, c);
    }
}
