namespace SysmonWatch.Detection.Events;

/// <summary>
/// What is kept of an event after its batch is gone: enough to name it in an alert. Immutable, so every stage may hold it.
/// </summary>
/// <param name="Identity">Which event.</param>
/// <param name="Process">The process it is about, as known then; null where there is none.</param>
/// <param name="Subject">What it acted on, for people: "127.0.0.1:23" (event 3), a path (9, 11, 23), a process (10); empty otherwise.</param>
/// <param name="Marks">What is remarkable about it.</param>
public sealed record EventReference(EventIdentity Identity, ProcessNode? Process, string Subject, EventMarks Marks);
