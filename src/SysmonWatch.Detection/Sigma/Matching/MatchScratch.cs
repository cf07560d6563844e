using System.Buffers;
using System.Text;

namespace SysmonWatch.Detection.Sigma.Matching;

/// <summary>Buffers that matching uses again and again. One for each thread.</summary>
sealed class MatchScratch
{
    byte[] _folded = new byte[1024];
    byte[] _otherFolded = new byte[256];
    char[] _chars = new char[1024];

    /// <summary>True where "-" stands for null in the event at hand.</summary>
    public bool DashIsNull { get; set; }

    /// <summary>True while what is asked stands under a negation, where the values that repairs brought do not count.</summary>
    public bool AsWritten { get; set; }

    /// <summary>The case-folded form of a value; valid until the next call.</summary>
    public ReadOnlySpan<byte> Fold(ReadOnlySpan<byte> value) => Fold(value, ref _folded);

    /// <summary>The case-folded form of a second value beside <see cref="Fold(ReadOnlySpan{byte})"/>; valid until the next call.</summary>
    public ReadOnlySpan<byte> FoldOther(ReadOnlySpan<byte> value) => Fold(value, ref _otherFolded);

    /// <summary>The value as an expression sees it; valid until the next call.</summary>
    public ReadOnlySpan<char> Chars(ReadOnlySpan<byte> value, RegexAlphabet alphabet)
    {
        if (_chars.Length < value.Length) _chars = new char[value.Length * 2];
        if (Ascii.ToUtf16(value, _chars, out int length) != OperationStatus.Done) length = alphabet.Write(value, _chars);
        return _chars.AsSpan(0, length);
    }

    static ReadOnlySpan<byte> Fold(ReadOnlySpan<byte> value, ref byte[] buffer)
    {
        int most = CaseFolding.MostBytes(value.Length);
        if (buffer.Length < most) buffer = new byte[most * 2];
        return buffer.AsSpan(0, CaseFolding.Fold(value, buffer));
    }
}
