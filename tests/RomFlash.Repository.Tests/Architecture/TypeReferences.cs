using System.Reflection;
using System.Reflection.Emit;

namespace RomFlash.Repository.Tests.Architecture;

/// <summary>Finds the types that a type uses: in its signatures, its attributes, its fields and the bodies of its methods.</summary>
internal static class TypeReferences
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => (OpCode)f.GetValue(null)!)
        .ToDictionary(o => o.Value);

    public static HashSet<Type> Of(Type type)
    {
        var found = new HashSet<Type>();
        Add(found, type.BaseType);
        foreach (var contract in type.GetInterfaces())
        {
            Add(found, contract);
        }

        foreach (var argument in type.GetGenericArguments().Where(a => a.IsGenericParameter))
        {
            AddAll(found, argument.GetGenericParameterConstraints());
        }

        AddAll(found, type.GetCustomAttributesData().Select(a => a.AttributeType));
        AddAll(found, type.GetFields(All).Select(f => f.FieldType));
        AddAll(found, type.GetProperties(All).Select(p => p.PropertyType));
        AddAll(found, type.GetEvents(All).Select(e => e.EventHandlerType));
        foreach (var method in type.GetMethods(All).Cast<MethodBase>().Concat(type.GetConstructors(All)))
        {
            AddAll(found, method.GetParameters().Select(p => p.ParameterType));
            AddAll(found, method.GetCustomAttributesData().Select(a => a.AttributeType));
            Add(found, (method as MethodInfo)?.ReturnType);
            if (method.IsGenericMethodDefinition)
            {
                AddAll(found, method.GetGenericArguments().SelectMany(a => a.GetGenericParameterConstraints()));
            }

            AddBody(found, type, method);
        }

        return found;
    }

    private static void AddBody(HashSet<Type> found, Type type, MethodBase method)
    {
        if (method.GetMethodBody() is not { } body || body.GetILAsByteArray() is not { } code)
        {
            return;
        }

        AddAll(found, body.LocalVariables.Select(l => l.LocalType));
        AddAll(found, body.ExceptionHandlingClauses.Where(c => c.Flags == ExceptionHandlingClauseOptions.Clause).Select(c => c.CatchType));
        var typeArguments = type.IsGenericType ? type.GetGenericArguments() : null;
        var methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (var at = 0; at < code.Length;)
        {
            short value = code[at++];
            if (value == 0xFE)
            {
                value = unchecked((short)(0xFE00 | code[at++]));
            }

            var operand = OpCodesByValue[value].OperandType;
            if (operand is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok)
            {
                switch (type.Module.ResolveMember(BitConverter.ToInt32(code, at), typeArguments, methodArguments))
                {
                    case Type used:
                        Add(found, used);
                        break;
                    case MethodInfo called:
                        Add(found, called.DeclaringType);
                        Add(found, called.ReturnType);
                        AddAll(found, called.IsGenericMethod ? called.GetGenericArguments() : []);
                        AddAll(found, called.GetParameters().Select(p => p.ParameterType));
                        break;
                    case MemberInfo member:
                        Add(found, member.DeclaringType);
                        break;
                }
            }

            at += operand switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }
    }

    private static void AddAll(HashSet<Type> found, IEnumerable<Type?> types)
    {
        foreach (var type in types)
        {
            Add(found, type);
        }
    }

    private static void Add(HashSet<Type> found, Type? type)
    {
        while (type is { HasElementType: true })
        {
            type = type.GetElementType();
        }

        if (type is null || type.IsGenericParameter)
        {
            return;
        }

        if (type.IsConstructedGenericType)
        {
            AddAll(found, type.GetGenericArguments());
            type = type.GetGenericTypeDefinition();
        }

        found.Add(type);
    }
}
