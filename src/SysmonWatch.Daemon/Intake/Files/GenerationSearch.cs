namespace SysmonWatch.Daemon.Intake.Files;

/// <summary>Finds the generations of a path among the files that lie beside it: those that were known, and those that came and went unseen.</summary>
/// <remarks>Used by one thread.</remarks>
/// <param name="path">Whose generations they are.</param>
/// <param name="line">Its generations, oldest first; what is found unseen is put into it.</param>
/// <param name="owner">Knows the generations of other paths.</param>
/// <param name="time">The clock.</param>
/// <param name="say">Takes what an operator should know.</param>
sealed class GenerationSearch(FollowedPath path, List<Generation> line, FileFollower owner, TimeProvider time, Action<IntakeNotice> say)
{
    /// <summary>The most generations that may have to be read one after the other, a thousand rotated files included.</summary>
    const int MostGenerations = 1100;

    /// <summary>How often files are listed again because they were renamed before they were opened.</summary>
    const int MostTries = 64;

    /// <summary>Nanoseconds that a time of modification may lie behind the clock: the kernel's tick is 1 to 10 ms.</summary>
    const long Grain = 20_000_000;

    /// <summary>The generation that the file at the path is, if it is a known one: saved, or renamed and renamed back.</summary>
    public Generation? FindBack(LogContent live, in FileFacts facts)
    {
        for (int i = line.Count - 1; i >= 0; i--)
        {
            Generation generation = line[i];
            if (generation.Content is null ? generation.TryAttach(live, facts) : generation.Facts.SameFileAs(facts))
            {
                if (generation.Content != live) live.Dispose();
                return generation;
            }
        }
        return null;
    }

    /// <summary>The file at the path as a generation: one that was let go and is back, or a new one.</summary>
    public Generation Resume(LogContent live, in FileFacts facts) =>
        owner.Remember(live, facts) is { } known && new Generation(known) is var again && again.TryAttach(live, facts) ? again : new Generation(live, facts);

    /// <summary>
    /// Looks for generations among the rotated files: first by number, then by content, then in compressed files, and at last under any name by
    /// number.
    /// </summary>
    /// <returns>Those that are not there.</returns>
    public List<Generation> FindAgain(IEnumerable<Generation> wanted)
    {
        // What was empty is known by its number only: another one's copy may be in it by now.
        List<Generation> lost = [.. wanted.OrderBy(g => g.Head.Length == 0)];
        List<RotatedFile> rotated = [];
        for (int i = 0; i < MostTries && lost.Count > 0; i++)
        {
            List<RotatedFile> now = RotatedFiles.Of(owner.Files, path.Path);
            // What was not found may have been renamed while it was looked for.
            if (i > 0 && RotatedFiles.SamePlaces(rotated, now)) break;
            rotated = now;
            lost.RemoveAll(g => TryFind(g, rotated));
        }
        return lost;
    }

    bool TryFind(Generation wanted, List<RotatedFile> rotated)
    {
        if (TryFind(wanted, rotated.Where(f => f.Facts.SameFileAs(wanted.Facts)))) return true;
        return TryFind(wanted, rotated.Where(f => !IsCompressed(f) && f.Facts.Size >= wanted.Offset))
            || TryFind(wanted, rotated.Where(f => IsCompressed(f) && RotatedNames.IsReadable(f.Path)))
            || TryFind(wanted, RotatedFiles.AllBeside(owner.Files, path.Path).Where(f => f.Facts.SameFileAs(wanted.Facts)));
    }

    bool TryFind(Generation wanted, IEnumerable<RotatedFile> among)
    {
        foreach (RotatedFile file in among)
        {
            if (path.Holds(file.Facts) || owner.Files.Open(file.Path, out LogContent? content, out FileFacts facts) != 0) continue;
            if (!path.Holds(facts) && wanted.TryAttach(content!, facts))
            {
                wanted.QuietSince = time.GetTimestamp();
                return true;
            }
            content!.Dispose();
        }
        return false;
    }

    /// <summary>Adds the generations that are newer than the newest known one and not known themselves.</summary>
    /// <param name="newest">The newest known generation, whether it could be found again or not.</param>
    /// <param name="floor">Where it is not among the files: since when a file must have been written to, nanoseconds since 1970.</param>
    /// <param name="before">The generation they are put before; null to put them at the end.</param>
    /// <returns>How many were added.</returns>
    public int AddUnseen(Generation? newest, long floor, Generation? before)
    {
        int added = 0;
        // Where the clock has been set back, files written to since then seem to be older than those before: only those that are remembered can be told from them.
        if (floor > path.Now() + Grain) floor = long.MinValue + Grain;
        for (int i = 0; i < MostTries; i++)
        {
            // Asked before the list is made: what is at the path now cannot be older than what the list has.
            bool moved = before is { Content: not null } && (owner.Files.Look(path.Path, out FileFacts there) != 0 || !there.SameFileAs(before.Facts));
            if (TryAddUnseen(RotatedFiles.Of(owner.Files, path.Path), newest, floor, before, moved, ref added)) return added;
        }
        say(new IntakeNotice.Lost(path.Path, 0, $"its rotated files were renamed faster than they could be opened, {MostTries} times in a row; what was in those that were not opened is lost"));
        return added;
    }

    /// <returns>False where a file is not the one any more that the list says: older ones come first, so what is left has to be listed anew.</returns>
    bool TryAddUnseen(List<RotatedFile> rotated, Generation? newest, long floor, Generation? before, bool moved, ref int added)
    {
        int known = -1;
        if (newest is not null && !TryPlace(newest, rotated, out known)) return false;
        int until = -1;
        for (int k = before is null ? line.Count : line.IndexOf(before); k < line.Count && until < 0; k++)
        {
            if (line[k].Content is not null) until = rotated.FindIndex(f => f.Facts.SameFileAs(line[k].Facts));
        }
        // Compressed meanwhile, it is another file with the same content: its place says more than times, which go back where the clock is set back.
        if (moved && until < 0 && !TryPlace(before!, rotated, out until)) return false;
        for (int i = known + 1; i < (until < 0 ? rotated.Count : until) && line.Count < MostGenerations; i++)
        {
            RotatedFile file = rotated[i];
            if (known < 0 && file.Facts.ModifiedAt < floor - Grain) continue;
            // Where it is not at the path any more, what was written to after it does not belong before it.
            if (moved && until < 0 && file.Facts.ModifiedAt > before!.Facts.ModifiedAt) continue;
            if (path.Holds(file.Facts) || owner.HolderOf(file.Facts, path) is not null) continue;
            if (!RotatedNames.IsReadable(file.Path))
            {
                say(new IntakeNotice.Lost(file.Path, 0, "it was compressed before it was read, and not by gzip; use gzip or delaycompress in logrotate's configuration"));
                continue;
            }
            if (!TryOpen(file, out LogContent? content, out FileFacts facts, out int error)) return false;
            if (error != 0)
            {
                say(new IntakeNotice.Unreadable(file.Path, FileCalls.Explain(error), FileAdvice.For(file.Facts)));
                continue;
            }
            int place = line.FindIndex(g => g.BeginsLike(content!) || g.MayBeCopiedBy(content!, facts));
            if (place >= 0)
            {
                content!.Dispose();
                // What it comes before has been compressed meanwhile. What is newer is found when the path is looked at again.
                if (before is not null && place >= line.IndexOf(before)) return true;
                continue;
            }
            if (Recognise(content!, facts) is not { } unseen)
            {
                content!.Dispose();
                continue;
            }
            unseen.QuietSince = time.GetTimestamp();
            line.Insert(before is null ? line.Count : line.IndexOf(before), unseen);
            added++;
        }
        return true;
    }

    /// <summary>A file as a new generation, or as one that was let go and has grown since; null where it holds nothing new.</summary>
    Generation? Recognise(LogContent content, in FileFacts facts)
    {
        if (owner.Remember(content, facts) is not { } known) return new Generation(content, facts);
        if (content.Growing is null || facts.Size <= known.Offset) return null;
        var again = new Generation(known);
        return again.TryAttach(content, facts) ? again : null;
    }

    /// <summary>Where a generation is in a list: the file itself, or its compressed copy.</summary>
    /// <param name="generation">Which.</param>
    /// <param name="rotated">The list.</param>
    /// <param name="place">Its place; -1 where it is not there.</param>
    /// <returns>False where the list is out of date.</returns>
    bool TryPlace(Generation generation, List<RotatedFile> rotated, out int place)
    {
        place = generation.Content is null ? -1 : rotated.FindIndex(f => f.Facts.SameFileAs(generation.Facts));
        for (int i = 0; i < rotated.Count && place < 0; i++)
        {
            if (!RotatedNames.IsReadable(rotated[i].Path)) continue;
            if (!TryOpen(rotated[i], out LogContent? content, out _, out int error)) return false;
            if (error != 0) continue;
            using (content)
            {
                if (generation.BeginsLike(content!)) place = i;
            }
        }
        return true;
    }

    /// <summary>Opens a file of a list.</summary>
    /// <returns>False where the list is out of date: its name is gone, or another file's.</returns>
    bool TryOpen(RotatedFile file, out LogContent? content, out FileFacts facts, out int error)
    {
        error = owner.Files.Open(file.Path, out content, out facts);
        if (error == FileCalls.ENOENT) return false;
        if (error != 0 || facts.SameFileAs(file.Facts)) return true;
        content!.Dispose();
        return false;
    }

    static bool IsCompressed(RotatedFile file) => RotatedNames.WithoutCompression(file.Path).Length != file.Path.Length;
}
