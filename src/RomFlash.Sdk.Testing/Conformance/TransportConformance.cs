using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using RomFlash.Sdk.Testing.Conformance.Rules;

namespace RomFlash.Sdk.Testing.Conformance;

/// <summary>
/// Checks that a transport keeps the contract of <see cref="Transports.ITransport"/> and of the capabilities that its sessions offer.
/// Depends on no test framework: a test asserts <see cref="ConformanceReport.IsConformant"/> and prints the report.
/// </summary>
public static class TransportConformance
{
    private static readonly ImmutableArray<ConformanceRule> AllRules =
    [
        .. ConnectionRules.All,
        .. FactsRules.All,
        .. DepositRules.All,
        .. ArmingRules.All,
        .. ClaimRules.All,
        .. PowerRules.All,
        .. CancellationRules.All,
        .. FaultRules.All,
    ];

    /// <summary>The names of all rules, in order.</summary>
    public static ImmutableArray<string> Rules => [.. AllRules.Select(r => r.Name)];

    /// <summary>Runs all rules, one after the other, each against a subject of its own.</summary>
    /// <param name="createSubject">Makes a fresh subject.</param>
    /// <param name="cancellationToken">Stops the run between two rules.</param>
    /// <returns>One entry for each rule.</returns>
    /// <exception cref="OperationCanceledException">The run was stopped.</exception>
    public static Task<ConformanceReport> RunAsync(Func<CancellationToken, ValueTask<ConformanceSubject>> createSubject, CancellationToken cancellationToken) =>
        RunAsync(createSubject, Rules, cancellationToken);

    /// <summary>Runs some rules, one after the other, each against a subject of its own.</summary>
    /// <param name="createSubject">Makes a fresh subject.</param>
    /// <param name="rules">The names of the rules; see <see cref="Rules"/>.</param>
    /// <param name="cancellationToken">Stops the run between two rules.</param>
    /// <returns>One entry for each of these rules.</returns>
    /// <exception cref="ArgumentException">There is no rule of that name.</exception>
    /// <exception cref="OperationCanceledException">The run was stopped.</exception>
    public static async Task<ConformanceReport> RunAsync(
        Func<CancellationToken, ValueTask<ConformanceSubject>> createSubject,
        ImmutableArray<string> rules,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(createSubject);
        var chosen = rules.Select(name => AllRules.FirstOrDefault(r => r.Name == name) ?? throw new ArgumentException($"There is no rule '{name}'.", nameof(rules))).ToArray();
        var checks = ImmutableArray.CreateBuilder<ConformanceCheck>(chosen.Length);
        foreach (var rule in chosen)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var subject = await createSubject(cancellationToken).ConfigureAwait(false);
            await using (subject.ConfigureAwait(false))
            {
                checks.Add(await CheckAsync(rule, subject).ConfigureAwait(false));
            }
        }

        return new(checks.MoveToImmutable());
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Whatever a transport throws breaks the contract, and is reported as that.")]
    private static async Task<ConformanceCheck> CheckAsync(ConformanceRule rule, ConformanceSubject subject)
    {
        try
        {
            var context = new ConformanceContext(subject);
            await using (context.ConfigureAwait(false))
            {
                await rule.CheckAsync(context).ConfigureAwait(false);
            }

            return new(rule.Name, rule.Requirement, ConformanceResult.Passed, string.Empty);
        }
        catch (RuleNotApplicableException reason)
        {
            return new(rule.Name, rule.Requirement, ConformanceResult.NotApplicable, reason.Message);
        }
        catch (RuleBrokenException broken)
        {
            return new(rule.Name, rule.Requirement, ConformanceResult.Failed, broken.Message);
        }
        catch (Exception error)
        {
            return new(rule.Name, rule.Requirement, ConformanceResult.Failed, $"the transport threw {error.GetType().Name}: {error.Message}");
        }
    }
}
