using SysmonWatch.Detection.Sigma.Matching;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace SysmonWatch.Detection.Sigma.Files;

/// <summary>What type a YAML scalar has.</summary>
enum ScalarType
{
    /// <summary>Text; every quoted scalar is.</summary>
    Text,

    /// <summary>A finite number.</summary>
    Number,

    /// <summary>true or false.</summary>
    Boolean,

    /// <summary>null, ~ or nothing.</summary>
    Null,
}

/// <summary>Types of plain scalars.</summary>
/// <remarks>
/// Source: YAML 1.2.2, core schema, which the Sigma specification cites. So <c>yes</c> and <c>on</c> are text and <c>010</c> is ten.
/// </remarks>
static class YamlScalars
{
    /// <summary>The type of a scalar, and its number where it is one.</summary>
    public static ScalarType TypeOf(YamlScalarNode node, out Number number)
    {
        number = default;
        string text = node.Value ?? "";
        string tag = node.Tag.IsEmpty || node.Tag.IsNonSpecific ? "" : node.Tag.Value;
        if (tag == "tag:yaml.org,2002:str") return ScalarType.Text;
        if (tag.Length == 0 && node.Style is not (ScalarStyle.Plain or ScalarStyle.Any)) return ScalarType.Text;
        if (text is "" or "~" or "null" or "Null" or "NULL") return ScalarType.Null;
        if (text is "true" or "True" or "TRUE" or "false" or "False" or "FALSE") return ScalarType.Boolean;
        return IsNumber(text, out number) ? ScalarType.Number : ScalarType.Text;
    }

    static bool IsNumber(string text, out Number number)
    {
        number = default;
        char first = text[0];
        if (!char.IsAsciiDigit(first) && first is not ('+' or '-' or '.')) return false;
        if (text.StartsWith("0x", StringComparison.Ordinal)) return TryParse(text[2..], 16, out number);
        if (text.StartsWith("0o", StringComparison.Ordinal)) return TryParse(text[2..], 8, out number);
        return Number.TryParse(text, exponent: true, out number);
    }

    static bool TryParse(string digits, int radix, out Number number)
    {
        number = default;
        if (digits.Length is 0 or > 20) return false;
        decimal value = 0;
        foreach (char c in digits)
        {
            int digit = char.IsAsciiHexDigit(c) ? Convert.ToInt32(c.ToString(), 16) : radix;
            if (digit >= radix) return false;
            value = value * radix + digit;
        }
        number = new Number(value);
        return true;
    }
}
