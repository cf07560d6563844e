namespace SysmonWatch.Detection.Events;

/// <summary>
/// Which event it is. Anyone may write to syslog, so a number alone proves nothing: only all four together identify an event.
/// </summary>
/// <param name="Computer">The Computer element.</param>
/// <param name="EventId">Sysmon's event id, 1 to 255.</param>
/// <param name="RecordId">EventRecordID, from 0.</param>
/// <param name="Time">TimeCreated/SystemTime in microseconds since 1970-01-01T00:00:00Z.</param>
public readonly record struct EventIdentity(string Computer, int EventId, ulong RecordId, long Time);
