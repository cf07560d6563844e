using System.Globalization;
using System.Text;
using System.Xml;
using SysmonWatch.Detection.Alerting;
using SysmonWatch.Detection.Testing;

namespace SysmonWatch.Daemon.Commands.Rules;

/// <summary>Writes results of rule tests as JUnit XML, which build servers show.</summary>
static class JUnitReport
{
    public static void Write(string file, IReadOnlyList<RuleTestSuite> suites)
    {
        using XmlWriter xml = XmlWriter.Create(file, new XmlWriterSettings { Indent = true, Encoding = new UTF8Encoding(false) });
        xml.WriteStartElement("testsuites");
        foreach (RuleTestSuite suite in suites)
        {
            xml.WriteStartElement("testsuite");
            xml.WriteAttributeString("name", suite.File);
            xml.WriteAttributeString("tests", Number(suite.Results.Count + suite.Problems.Count));
            xml.WriteAttributeString("failures", Number(suite.Results.Count(r => !r.Passed)));
            xml.WriteAttributeString("errors", Number(suite.Problems.Count));
            foreach (string problem in suite.Problems) Case(xml, suite.File, "load", "error", problem);
            foreach (RuleTestResult result in suite.Results)
            {
                using var reasons = new StringWriter(CultureInfo.InvariantCulture);
                if (!result.Passed) ExplanationText.WriteReasons(reasons, result.Explanation, "");
                Case(xml, result.Rule, result.Case.Name, "failure", result.Passed ? null : $"{(result.Matched ? "matches and must not" : "does not match and must")}\n{reasons}");
            }
            xml.WriteEndElement();
        }
        xml.WriteEndElement();
    }

    static void Case(XmlWriter xml, string rule, string name, string kind, string? wrong)
    {
        xml.WriteStartElement("testcase");
        xml.WriteAttributeString("classname", SafeText.Show(rule));
        xml.WriteAttributeString("name", name);
        if (wrong is not null)
        {
            xml.WriteStartElement(kind);
            xml.WriteAttributeString("message", SafeText.Show(wrong.Split('\n')[0]));
            // What XML cannot hold is shown as SafeText shows it.
            xml.WriteString(string.Join('\n', wrong.Split('\n').Select(line => SafeText.Show(line))));
            xml.WriteEndElement();
        }
        xml.WriteEndElement();
    }

    static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
