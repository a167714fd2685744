Console.WriteLine("usage: empty");
