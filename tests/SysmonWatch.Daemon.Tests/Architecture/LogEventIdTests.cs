using System.Reflection;
using Microsoft.Extensions.Logging;
using SysmonWatch.Daemon.Configuration;

namespace SysmonWatch.Daemon.Tests.Architecture;

/// <summary>A log event id says which message it is, and its thousand says which folder it comes from.</summary>
public class LogEventIdTests
{
    static readonly Dictionary<string, int> Thousands = new()
    {
        ["Intake"] = 1,
        ["Pipeline"] = 2,
        ["Delivery"] = 3,
        ["State"] = 4,
        ["Operations"] = 5,
    };

    static readonly (string Room, string Method, int Id)[] Messages =
    [
        .. from type in typeof(SysmonWatchOptions).Assembly.GetTypes()
           from method in type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
           let message = method.GetCustomAttribute<LoggerMessageAttribute>()
           where message is not null
           select (type.Namespace!.Split('.')[2], $"{type.Name}.{method.Name}", message.EventId),
    ];

    [Fact]
    public void No_two_messages_have_one_id()
    {
        Assert.NotEmpty(Messages);
        Assert.Empty(Messages.GroupBy(message => message.Id).Where(same => same.Count() > 1).Select(same => string.Join(" and ", same)));
    }

    [Fact]
    public void The_thousand_of_an_id_is_that_of_its_folder()
    {
        Assert.DoesNotContain(Messages, message => message.Id / 1000 != Thousands.GetValueOrDefault(message.Room));
    }
}
